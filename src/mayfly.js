#!/usr/bin/env node
// The `bin`: plain JavaScript, because it must run on Node 20. It finds the pinned Node, in a clone it installs what is missing, and starts the program there.
// A supervisor that may kill without warning starts `node src/main.ts` itself: nobody can pass a SIGKILL on.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { installMissing } from './install-missing.js'
import { pinnedNode } from './pinned-node.js'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
// Only a clone has the sources; the published package has them compiled, because Node strips no types below node_modules.
const source = join(root, 'src', 'main.ts')
const inClone = existsSync(source)

if (inClone && !installMissing(root)) process.exit(1)
const node = pinnedNode()
if (node) run(node, inClone ? source : join(root, 'dist', 'src', 'main.js'))
else {
  process.stderr.write(
    `mayfly: no Node 26 for ${process.platform}-${process.arch}: install with optional packages, or run this with Node 26 or newer\n`
  )
  process.exitCode = 1
}

// What Node made of the sources is kept beside them, where only their owner writes: every start takes half as long. The program is told who passes signals on to it: a
// `run` whose starter was killed has nobody any more who could end it.
function environment() {
  const cache = inClone ? { NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'mayfly') } : {}
  return { ...cache, ...process.env, MAYFLY_STARTED_BY: String(process.pid) }
}

function run(node, main) {
  // SIGUSR1 would open an inspector on a process full of secrets.
  const child = spawn(node, ['--disable-sigusr1', main, ...process.argv.slice(2)], { stdio: 'inherit', env: environment() })
  const forward = signal => child.kill(signal)
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGUSR2']) process.on(signal, forward)
  // On a terminal Ctrl-C reaches the child by itself; twice would mean "at once".
  process.on('SIGINT', signal => void (process.stdin.isTTY || forward(signal)))
  child.on('error', error => {
    process.stderr.write(`mayfly: cannot start ${node}: ${error.message}\n`)
    process.exitCode = 1
  })
  // As a shell tells it: 128 + the signal's number.
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}

import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { constants } from 'node:os'
import process from 'node:process'
import { findProgram } from './find-program.ts'
import { RunFailure, runExit } from './run-exit.ts'

export interface ChildStart {
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** On a terminal it stays in our group: that is who may read from it, and whom Ctrl-C reaches. Else it leads a group of its own, so that signals reach what it starts. */
  readonly ownGroup: boolean
}

/** The program that holds the credentials. */
export class Child {
  /** As a shell tells it: 128 + the signal's number. */
  readonly ended: Promise<number>
  readonly #process: ChildProcess
  readonly #ownGroup: boolean

  constructor({ program, args, env, ownGroup }: ChildStart) {
    const [file, ...before] = dyingWithUs()
    this.#ownGroup = ownGroup
    this.#process = spawn(file ?? program, file === undefined ? args : [...before, program, ...args], {
      stdio: 'inherit',
      env,
      detached: ownGroup
    })
    this.ended = new Promise((resolve, reject) => {
      this.#process.once('error', cause => reject(new RunFailure(runExit.notExecutable, `${program}: cannot be started`, cause)))
      this.#process.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']))
    })
    // Whoever waits hears of it; nobody may be waiting yet.
    this.ended.catch(() => undefined)
  }

  get running(): boolean {
    return this.#process.pid !== undefined && this.#process.exitCode === null && this.#process.signalCode === null
  }

  /** To all that it has started, where it leads a group. */
  signal(signal: NodeJS.Signals): void {
    if (!this.running) return
    if (!this.#ownGroup) return void this.#process.kill(signal)
    try {
      process.kill(-this.#process.pid!, signal)
    } catch {
      this.#process.kill(signal)
    }
  }

  /** To it alone. */
  signalItself(signal: NodeJS.Signals): void {
    if (this.running) this.#process.kill(signal)
  }

  /** Asks, waits, and then no longer asks. */
  async end(signal: NodeJS.Signals, killAfterMs: number): Promise<void> {
    this.signal(signal)
    const timer = setTimeout(() => this.signal('SIGKILL'), killAfterMs)
    await this.ended.catch(() => undefined)
    clearTimeout(timer)
  }
}

let wrapper: readonly string[] | undefined

/** Nobody can pass a SIGKILL on; on Linux the kernel does it, for a program that was started by this one. */
function dyingWithUs(): readonly string[] {
  return (wrapper ??= process.platform === 'linux' ? workingWrapper() : [])
}

function workingWrapper(): readonly string[] {
  try {
    // By its place: looked for by name it would be where the program's own PATH leads.
    const setpriv = findProgram('setpriv', process.env['PATH'])
    const before = ['--pdeathsig', 'TERM', '--']
    return spawnSync(setpriv, [...before, 'true'], { stdio: 'ignore' }).status === 0 ? [setpriv, ...before] : []
  } catch {
    return []
  }
}

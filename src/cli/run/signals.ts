import { closeSync, openSync } from 'node:fs'
import process from 'node:process'
import type { Io } from '../io.ts'
import type { Child } from './child.ts'

/** Passed on as they come. CHLD and URG are the kernel's word to us alone; STOP and KILL cannot be caught. */
const passedOn = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const
const endings = new Set<NodeJS.Signals>(['SIGTERM', 'SIGINT'])

// One press of Ctrl-C may come twice, from the kernel and from a program in between.
const sameMsMax = 250
const starterEveryMs = 500

// For a program that goes on when its terminal has been closed.
const hangUpMs = 5_000

/** Stands between signals and the program. For as long as it is there none of them ends this process, which has credentials to revoke. */
export class Signals implements Disposable {
  readonly onTerminal = hasTerminal()
  /** Aborted by the first signal that means an end. */
  readonly ending = new AbortController()
  #child: Child | undefined
  #first: { readonly signal: NodeJS.Signals; readonly at: number } | undefined
  readonly #starter: NodeJS.Timeout | undefined
  readonly #handlers = passedOn.map(signal => [signal, () => this.#took(signal)] as const)

  constructor(env: Io['env']) {
    for (const [signal, handler] of this.#handlers) process.on(signal, handler)
    this.#starter = watchStarter(env, () => this.#took('SIGTERM'))
  }

  /** The one that signals go to from now on. */
  direct(child: Child): void {
    this.#child = child
    if (this.#first !== undefined) child.signal(this.#first.signal)
  }

  /** 128 + its number is how a run ends that was told to before it began. */
  get first(): NodeJS.Signals | undefined {
    return this.#first?.signal
  }

  /** How often somebody typed Ctrl-C while the program ran. */
  interrupts = 0

  #took(signal: NodeJS.Signals): void {
    if (signal === 'SIGHUP') return this.#hungUp()
    if (signal === 'SIGUSR1' || signal === 'SIGUSR2') return this.#child?.signalItself(signal)
    // The kernel gives what was typed to all in the foreground, so the program has it already; what it means there is the program's to say.
    if (this.onTerminal && this.#child?.running && (signal === 'SIGINT' || signal === 'SIGQUIT')) return void (this.interrupts += 1)
    if (!endings.has(signal)) return this.#child?.signal(signal)
    const again = this.#sinceFirst()
    if (again > sameMsMax) return this.#child?.signal('SIGKILL')
    this.#ends(signal)
    return again < 0 ? this.#child?.signal(signal) : undefined
  }

  /** `reload` to a service; to what runs on a terminal that is gone, the end. */
  #hungUp(): void {
    const closed = this.onTerminal && !hasTerminal()
    if (closed || this.#child === undefined) this.#ends('SIGHUP')
    this.#child?.signal('SIGHUP')
    if (!closed || this.#child === undefined) return
    const child = this.#child
    setTimeout(() => void child.end('SIGTERM', hangUpMs), hangUpMs).unref()
  }

  #ends(signal: NodeJS.Signals): void {
    this.#first ??= { signal, at: performance.now() }
    this.ending.abort()
  }

  /** Negative: there was none. */
  #sinceFirst(): number {
    return this.#first === undefined ? -1 : performance.now() - this.#first.at
  }

  [Symbol.dispose](): void {
    clearInterval(this.#starter)
    for (const [signal, handler] of this.#handlers) process.off(signal, handler)
  }
}

/** A starter that was killed without warning could pass nothing on: its number is seen to be another. */
function watchStarter(env: Io['env'], died: () => void): NodeJS.Timeout | undefined {
  const starter = process.ppid
  if (env['MAYFLY_STARTED_BY'] !== String(starter)) return undefined
  const watch = setInterval(() => {
    if (process.ppid === starter) return
    clearInterval(watch)
    died()
  }, starterEveryMs)
  return watch.unref()
}

/** Whether there is a terminal that can be closed, whatever our three streams are. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false
  }
}

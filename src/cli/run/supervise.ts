/** A program, the credentials that it uses, and what happens to the one when something happens to the other.
 *
 *  The program decides how long it takes: neither a broker that is away nor a credential that ends stops it. When it has ended, by whatever, the credentials
 *  are revoked. Killed itself, this process can do nothing more: then the short time of the leases ends them, and on Linux the kernel ends the program. */
import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HeldLease, Mayfly } from '../../client/index.ts'
import type { JsonObject } from '../../contracts/index.ts'
import type { Terminal } from '../terminal.ts'
import { Child } from './child.ts'
import type { ChildStart } from './child.ts'
import { PrivateFiles } from './private-files.ts'
import type { Signals } from './signals.ts'
import { troubleText } from './trouble-text.ts'

export type OnReplace = 'none' | 'restart' | 'rewrite' | NodeJS.Signals

export interface Supervision {
  readonly mayfly: Mayfly
  readonly terminal: Terminal
  readonly signals: Signals
  /** By the name that templates use. */
  readonly leases: ReadonlyMap<string, string>
  /** Sent with the question for each of them. */
  readonly fields?: JsonObject
  readonly leaseSeconds: number
  readonly program: string
  readonly start: (credentials: ReadonlyMap<string, JsonObject>) => Pick<ChildStart, 'args' | 'env'>
  /** Paths that are known before anything is issued, and their text. */
  readonly filePaths: readonly string[]
  readonly files: (credentials: ReadonlyMap<string, JsonObject>) => ReadonlyMap<string, string>
  readonly onReplace: OnReplace
  readonly overlapMs: number
  readonly killAfterMs: number
  readonly verbose: boolean
}

// Credentials of several leases often end together: one restart is enough.
const gatherMs = 2_000
// After the program has ended its user waits for nothing else.
const revokeMsMax = 10_000
// Whoever has typed Ctrl-C, and sees nothing happen, is told why.
const silentMs = 1_000
const waiting = `ending once it is known what becomes of the credential that was asked for, in ${revokeMsMax / 1_000} s at most: it has to be revoked`

export async function supervise(supervision: Supervision): Promise<number> {
  using files = new PrivateFiles(supervision.filePaths)
  const supervisor = new Supervisor(supervision, files)
  try {
    await supervisor.issue()
    return await supervisor.run()
  } finally {
    // Nobody is left to read them, and what follows may take seconds.
    files[Symbol.dispose]()
    await supervisor.revoke()
  }
}

class Supervisor {
  readonly #supervision: Supervision
  readonly #files: PrivateFiles
  readonly #leases = new Map<string, HeldLease>()
  readonly #credentials = new Map<string, JsonObject>()
  readonly #over = new AbortController()
  #child: Child | undefined
  #restarting: Promise<void> | undefined
  /** The program that was told to end because another takes its place. */
  #leaving: Child | undefined

  constructor(supervision: Supervision, files: PrivateFiles) {
    this.#supervision = supervision
    this.#files = files
  }

  async issue(): Promise<void> {
    const { leases, signals, terminal } = this.#supervision
    // Told to end, it waits for what is on its way, which has to be revoked; not for ever.
    const [giveUp, issued] = [new AbortController(), new AbortController()]
    const wait = () => {
      setTimeout(() => giveUp.abort(), revokeMsMax).unref()
      setTimeout(() => issued.signal.aborted || terminal.note(waiting), silentMs).unref()
    }
    signals.ending.signal.addEventListener('abort', wait, { signal: issued.signal })
    try {
      for (const [name, path] of leases)
        if (signals.first === undefined) this.#leases.set(name, await this.#lease(name, path, giveUp.signal))
    } finally {
      issued.abort()
    }
  }

  /** Until it ends; its exit code. */
  async run(): Promise<number> {
    const { signals } = this.#supervision
    if (signals.first !== undefined) return 128 + constants.signals[signals.first]
    this.#writeFiles()
    this.#startChild()
    for (;;) {
      const child = this.#child!
      const code = await child.ended
      if (this.#leaving !== child) return this.#ended(code)
      await this.#restarting
      if (this.#child === child) return this.#ended(code)
    }
  }

  #ended(code: number): number {
    this.#over.abort()
    return code
  }

  /** What cannot be revoked is said, and changes nothing else: the lease is short. */
  async revoke(): Promise<void> {
    this.#over.abort()
    const { terminal } = this.#supervision
    await Promise.all(
      [...this.#leases.values()].map(async lease => {
        const endsAt = lease.endsAt
        await lease
          .release(revokeMsMax)
          .catch((error: unknown) => terminal.warn(troubleText(lease.path, { what: 'revoke', error, endsAt })))
      })
    )
  }

  async #lease(name: string, path: string, signal: AbortSignal): Promise<HeldLease> {
    const { mayfly, terminal, fields, leaseSeconds, onReplace, verbose } = this.#supervision
    const lease = await mayfly.lease(path, {
      ...(fields && { fields }),
      seconds: leaseSeconds,
      replace: onReplace !== 'none',
      signal,
      onCredential: next => this.#replaced(name, path, next.reveal()),
      onTrouble: trouble => terminal.warn(troubleText(path, trouble)),
      onLastEnd: endsAt => this.#lastEnd(path, endsAt)
    })
    this.#credentials.set(name, lease.current().reveal())
    if (verbose) terminal.note(`${name}: ${lease.current().leaseId}, until ${lease.endsAt.toISOString()}`)
    return lease
  }

  #lastEnd(path: string, endsAt: Date): void {
    if (this.#supervision.onReplace !== 'none') return
    this.#supervision.terminal.warn(
      `the credential of ${path} ends at ${endsAt.toISOString()} and is not replaced: --on-replace says how a program takes the next one`
    )
  }

  /** The one before stays until this is done. */
  async #replaced(name: string, path: string, fields: JsonObject): Promise<void> {
    const { onReplace, overlapMs, terminal, verbose } = this.#supervision
    if (this.#over.signal.aborted) return undefined
    this.#credentials.set(name, fields)
    this.#writeFiles()
    if (verbose) terminal.note(`${name}: ${path} is replaced`)
    if (onReplace === 'restart') return (this.#restarting ??= this.#restart().finally(() => (this.#restarting = undefined)))
    if (onReplace !== 'rewrite' && onReplace !== 'none') this.#child?.signalItself(onReplace)
    await sleep(overlapMs, undefined, { signal: this.#over.signal, ref: false }).catch(() => undefined)
  }

  async #restart(): Promise<void> {
    const { signals, killAfterMs } = this.#supervision
    if (this.#leases.size > 1) await sleep(gatherMs, undefined, { signal: this.#over.signal }).catch(() => undefined)
    const before = this.#child
    if (before === undefined || !before.running || this.#over.signal.aborted) return
    const { interrupts } = signals
    this.#leaving = before
    await before.end('SIGTERM', killAfterMs)
    // Told to end meanwhile: there is no next one.
    if (signals.ending.signal.aborted || signals.interrupts > interrupts) return
    this.#startChild()
  }

  #startChild(): void {
    const { program, start, signals } = this.#supervision
    this.#child = new Child({ program, ...start(this.#credentials), ownGroup: !signals.onTerminal })
    signals.direct(this.#child)
  }

  #writeFiles(): void {
    this.#files.write(this.#supervision.files(this.#credentials))
  }
}

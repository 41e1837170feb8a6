/** Streams committed audit lines to the sinks, each from a cursor of its own: one that fails delays no other, and never a revocation. */
import { BrokerError } from '../../contracts/index.ts'
import type { AuditSink } from '../../contracts/index.ts'
import { auditCharsMax } from '../../store/store.ts'
import { Background } from '../life/background.ts'
import type { Parts } from '../parts.ts'
import type { WireRequest } from '../door/request.ts'

// Each turn costs two fsyncs that the group commits wait for: few large turns, a fifth of a second behind.
const linesAtOnceMax = 5_000
const writeLimitMs = 5_000
const idleMs = 200
const failedMs = 1_000

// What a sink could not take in its time comes again, half of it: one that takes less than megabytes a second would else never get on.
const charsAtOnceMin = 65_536

// The whole shutdown stays within 10 s.
const lastMsMax = 2_000

// How far every sink may lag before secrets are refused: a minute of failing, or a backlog that takes minutes to write.
const lagMsMax = 60_000
const lagRowsMax = 100_000

interface Stream {
  readonly sink: AuditSink
  readonly background: Background
  cursor: number
  /** How much it is handed at once. */
  charsMax: number
  lag: number
  failingSince: number | undefined
  lastError: string
}

type StreamParts = Pick<Parts, 'store' | 'clock' | 'log' | 'at'>

export class SinkStreams implements AsyncDisposable {
  readonly #parts: StreamParts
  readonly #streams = new Map<string, Stream>()
  /** Opens and closes sinks as `sys/audit` says; set by who owns them. */
  reload: () => Promise<void> = () => Promise.resolve()
  /** Sinks of `sys/audit`, open or not; `undefined` while that is not known. */
  enabled: readonly string[] | undefined

  constructor(parts: StreamParts) {
    this.#parts = parts
  }

  async add(sink: AuditSink): Promise<void> {
    const { store, clock } = this.#parts
    const cursor = await store.cursor(sink.name)
    // From here on pruning waits for this sink, also before its first line.
    await store.commit([{ kind: 'cursor.move', now: clock.now(), sink: sink.name, seq: cursor }], [])
    const stream: Stream = {
      sink,
      background: new Background(clock, this.#parts.log),
      cursor,
      charsMax: auditCharsMax,
      lag: 0,
      failingSince: undefined,
      lastError: ''
    }
    this.#streams.set(sink.name, stream)
    // Without the loop's signal: a write under way ends by its own deadline, so that an orderly end tears no line.
    stream.background.loop(`audit sink ${sink.name}`, idleMs, () => this.#turn(stream))
  }

  /** `forget`: its cursor goes too, so that pruning no longer waits for it. */
  async remove(name: string, forget: boolean): Promise<void> {
    const stream = this.#streams.get(name)
    if (!stream) return
    this.#streams.delete(name)
    await stream.background[Symbol.asyncDispose]()
    await this.#last(stream)
    await stream.sink[Symbol.asyncDispose]()
    if (forget) await this.#parts.store.commit([{ kind: 'cursor.drop', now: this.#parts.clock.now(), sink: name }], [])
  }

  /** Every sink that lines wait for; `undefined` while that is not known. */
  get named(): readonly string[] | undefined {
    return this.enabled && [...this.#streams.keys(), ...this.enabled]
  }

  get empty(): boolean {
    return this.#streams.size === 0
  }

  has(name: string): boolean {
    return this.#streams.has(name)
  }

  /** A test write: rejects when nothing can be written there. */
  async check(name: string): Promise<void> {
    const stream = this.#streams.get(name)
    if (!stream) throw new Error(`no sink ${name}`)
    using deadline = this.#parts.clock.within(writeLimitMs)
    await stream.sink.write([], deadline.signal)
  }

  get state(): readonly { readonly name: string; readonly lag: number; readonly failing: boolean; readonly error: string }[] {
    return [...this.#streams.values()].map(({ sink, lag, failingSince, lastError }) => ({
      name: sink.name,
      lag,
      failing: failingSince !== undefined,
      error: lastError
    }))
  }

  /** What was committed until now still goes out, while the sink takes it. */
  async #last(stream: Stream): Promise<void> {
    const until = this.#parts.clock.elapsed() + lastMsMax
    while (stream.failingSince === undefined && this.#parts.clock.elapsed() < until && (await this.#turn(stream)) === 0);
  }

  async #turn(stream: Stream): Promise<number> {
    const { store, clock, log, at } = this.#parts
    const found = await store.auditLines(stream.cursor, linesAtOnceMax)
    const lines = beginning(found, stream.charsMax)
    const last = lines.at(-1)
    if (!last) return idleMs
    try {
      using deadline = clock.within(writeLimitMs)
      await stream.sink.write(
        lines.map(({ line }) => line),
        deadline.signal
      )
    } catch (error) {
      stream.lag = (await store.chainHead()).seq - stream.cursor
      if (stream.failingSince === undefined)
        log.error('an audit sink fails; its lines wait', { sink: stream.sink.name, lag: stream.lag }, error)
      stream.failingSince ??= clock.elapsed()
      stream.charsMax = Math.max(charsAtOnceMin, stream.charsMax / 2)
      stream.lastError = error instanceof Error ? error.message : 'failed'
      return failedMs
    }
    await at('audit:after-fsync-before-cursor')
    // Written is written: should the commit fail, the lines do not go out again in this run.
    stream.cursor = last.seq
    await store.commit([{ kind: 'cursor.move', now: clock.now(), sink: stream.sink.name, seq: last.seq }], [])
    if (stream.failingSince !== undefined) log.info('an audit sink is back', { sink: stream.sink.name })
    stream.failingSince = undefined
    stream.charsMax = Math.min(auditCharsMax, stream.charsMax * 2)
    const more = lines.length < found.length || isFull(found)
    stream.lag = more ? (await store.chainHead()).seq - last.seq : 0
    return more ? 0 : idleMs
  }

  /** When no sink can keep up, nothing is issued, read or configured until one can. What takes access away, and what mends the sinks, goes on. */
  refuseWhileLagging(request: WireRequest): void {
    if (this.#streams.size === 0 || goesOn.test(request.path)) return
    for (const stream of this.#streams.values()) if (!this.#lags(stream)) return
    throw new BrokerError('audit_unreachable', 'internal error')
  }

  #lags(stream: Stream): boolean {
    if (stream.lag > lagRowsMax) return true
    return stream.failingSince !== undefined && this.#parts.clock.elapsed() - stream.failingSince > lagMsMax
  }

  async reopen(): Promise<void> {
    for (const { sink } of this.#streams.values()) await sink.reopen?.()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.#streams.keys().toArray()) await this.remove(name, false)
  }
}

interface Line {
  readonly seq: number
  readonly line: string
}

/** None more once `charsMax` is passed. */
function beginning(lines: readonly Line[], charsMax: number): readonly Line[] {
  let chars = 0
  const end = lines.findIndex(({ line }) => (chars += line.length) >= charsMax)
  return end < 0 ? lines : lines.slice(0, end + 1)
}

/** As much as one answer of the store holds: there may be more. */
function isFull(lines: readonly Line[]): boolean {
  return lines.length === linesAtOnceMax || lines.reduce((sum, { line }) => sum + line.length, 0) >= auditCharsMax
}

const goesOn = /^(sys\/(leases\/(revoke|lookup)|seal$|audit)|auth\/token\/(revoke|lookup))/

import { BrokerError } from '../../contracts/index.ts'
import type { Clock, TargetId } from '../../contracts/index.ts'
import { onAbort } from '../on-abort.ts'

// Well below every shared pool (http sockets, store queue), above what one database connection pool can use.
const issuingAtOnceMax = 64

// 512 waiting at 200 a second are 2.5 s: beyond it a caller would only wait for its own time-out.
const waitingMax = 512

const waitMsMax = 10_000

/** Bounds what is on its way to each target, so that one that hangs holds up nobody else. Nothing shared is held across a target call. */
export class TargetGates {
  readonly #clock: Clock
  readonly #gates = new Map<TargetId, { running: number; waiting: (() => void)[] }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Runs `work` when the target has room; 429 when too many wait already or the wait is too long. */
  async issue<T>(target: TargetId, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const gate = this.#gate(target)
    if (gate.running >= issuingAtOnceMax) await this.#wait(gate.waiting, signal)
    else gate.running++
    try {
      return await work()
    } finally {
      const next = gate.waiting.shift()
      if (next) next()
      else if (--gate.running === 0) this.#gates.delete(target)
    }
  }

  #gate(target: TargetId) {
    const gate = this.#gates.get(target) ?? { running: 0, waiting: [] }
    this.#gates.set(target, gate)
    return gate
  }

  async #wait(waiting: (() => void)[], signal: AbortSignal): Promise<void> {
    if (waiting.length >= waitingMax) throw tooMany()
    using deadline = this.#clock.within(waitMsMax, signal)
    await new Promise<void>((resolve, reject) => {
      const enter = () => resolve()
      waiting.push(enter)
      onAbort(deadline.signal, () => {
        const at = waiting.indexOf(enter)
        if (at < 0) return
        waiting.splice(at, 1)
        reject(tooMany())
      })
    })
  }
}

function tooMany(): BrokerError {
  return new BrokerError('quota_exceeded', 'too many requests wait for this target', { retryAfter: 2 })
}

import { BrokerError } from 'mayfly/plugin'
import type { Clock } from 'mayfly/plugin'

/** What a call is for. `finish`: of something that has begun and would be lost when it waited. Then revocation goes first. */
export type Lane = 'finish' | 'revoke' | 'issue'

/** Calls that have their place already. What is left of them is given back. */
export type Calls = { left: number }

// AWS publishes no rates. A bucket that starts here finds the account's own by being told to slow down.
const perSecondStart = 10
const perSecondMin = 1
const burstSeconds = 2

// The rate is judged by so many calls at least, in so much time at least: above this part of refusals it shrinks, below it grows. So many refusals at least: of few calls two that are
// refused by chance are a tenth already, and whoever calls little would be slowed down to nothing.
const judged = { callsMin: 10, msMin: 1_000, refusedMax: 0.1, refusedMin: 4, slowDown: 0.8, speedUp: 1.05, stepMin: 1 }

// While both wait, every so many-th call is one that issues.
const issuingFloor = 5

// Who has to wait longer before something may begin is told so at once; who is next waits in any case, or nothing would ever begin at the slowest rate.
const beginMsMax = { behindOthers: 10_000, next: 20_000 }

interface Waiter {
  readonly calls: number
  go(): void
}

/** The calls to one service of one account, a token bucket whose rate follows what the service lets through: every node and every mount that has the account shares the
 *  account's limits with everybody else in it. */
export class CallBudget {
  readonly #clock: Clock
  readonly #perSecondMax: number
  #perSecond: number
  #tokens: number
  #filledAtMs: number
  #window = { sinceMs: 0, passed: 0, refused: 0 }
  /** Calls of revocations that go before the next one that issues. */
  #owed = 0
  #pumping = false
  #wake: () => void = () => undefined
  readonly #waiting: Readonly<Record<Lane, Waiter[]>> = { finish: [], revoke: [], issue: [] }

  /** `said`: what the operator says that there is, 0 for nothing. */
  constructor(clock: Clock, perSecondMax: number, said = 0) {
    this.#clock = clock
    this.#perSecondMax = said || perSecondMax
    this.#perSecond = said || Math.min(perSecondStart, perSecondMax)
    this.#tokens = this.#burst
    this.#filledAtMs = clock.elapsed()
    this.#window.sinceMs = clock.elapsed()
  }

  get perSecond(): number {
    return this.#perSecond
  }

  /** Resolves when so many calls may be made; rejects with the signal's reason. Several are let go together, and whoever comes next waits for all of them: a piece of work that waits
   *  with each of its calls behind all others is never done where many are begun. */
  async take(lane: Lane, signal: AbortSignal, calls = 1): Promise<void> {
    signal.throwIfAborted()
    this.#fill()
    if (this.#tokens >= 1 && Object.values(this.#waiting).every(queue => queue.length === 0)) return this.#spend(lane, calls)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiter: Waiter = { calls, go: resolve }
    this.#waiting[lane].push(waiter)
    const leave = () => {
      const at = this.#waiting[lane].indexOf(waiter)
      if (at >= 0) this.#waiting[lane].splice(at, 1)
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', leave, { once: true })
    void this.#pump()
    await promise.finally(() => signal.removeEventListener('abort', leave))
  }

  /** All calls of something that is to be issued, before anything is promised; `target_rate_limited` where that would take too long. */
  async begin(calls: number, signal: AbortSignal): Promise<void> {
    const waitMs = this.#beginMs(calls)
    if (this.#waiting.issue.length > 0 && waitMs > beginMsMax.behindOthers) throw tooBusy(waitMs)
    using deadline = this.#clock.within(beginMsMax.next, signal)
    try {
      await this.take('issue', deadline.signal, calls)
    } catch (error) {
      throw signal.aborted ? error : tooBusy(beginMsMax.next)
    }
  }

  /** Calls that were not made after all: who waits for them waits no longer. */
  giveBack(calls: Calls): void {
    this.#tokens += calls.left
    calls.left = 0
    if (this.#tokens >= 1) this.#wake()
  }

  /** The service said that it is too much: those that wait do so a little longer, whatever the rate. */
  refused(): void {
    this.#fill()
    this.#tokens = Math.min(this.#tokens, 0)
    this.#window.refused += 1
    this.#judge()
  }

  passed(): void {
    this.#window.passed += 1
    this.#judge()
  }

  /** One refusal in many is chance, or somebody else's burst. */
  #judge(): void {
    const { sinceMs, passed, refused } = this.#window
    const [now, calls] = [this.#clock.elapsed(), passed + refused]
    if (calls < judged.callsMin || now - sinceMs < judged.msMin) return
    const isTooMuch = refused / calls > judged.refusedMax
    if (isTooMuch && refused < judged.refusedMin) return
    this.#window = { sinceMs: now, passed: 0, refused: 0 }
    if (isTooMuch) this.#perSecond = Math.max(perSecondMin, this.#perSecond * judged.slowDown)
    else this.#perSecond = Math.min(this.#perSecondMax, Math.max(this.#perSecond + judged.stepMin, this.#perSecond * judged.speedUp))
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return
    this.#pumping = true
    try {
      for (let next = this.#next(); next; next = this.#next()) {
        await this.#token()
        // Whoever has waited may have left meanwhile, and somebody more urgent may have come.
        const waiter = this.#next(true)
        if (!waiter) continue
        waiter.go()
      }
    } finally {
      this.#pumping = false
    }
  }

  #next(taken = false): Waiter | undefined {
    const { finish, revoke, issue } = this.#waiting
    const issues = issue.length > 0 && (revoke.length === 0 || this.#owed <= 0)
    const lane = finish.length > 0 ? 'finish' : issues ? 'issue' : 'revoke'
    if (!taken) return this.#waiting[lane][0]
    const waiter = this.#waiting[lane].shift()
    if (waiter) this.#spend(lane, waiter.calls)
    return waiter
  }

  #spend(lane: Lane, calls: number): void {
    this.#tokens -= calls
    if (lane === 'issue') this.#owed = calls * (issuingFloor - 1)
    else if (lane === 'revoke') this.#owed -= calls
  }

  /** How long it is until calls that issue are let go, if nobody else comes. */
  #beginMs(calls: number): number {
    const before = this.#waiting.issue.reduce((sum, waiter) => sum + waiter.calls, 0)
    const share = this.#waiting.revoke.length > 0 ? issuingFloor : 1
    return Math.ceil((((before + calls) * share - this.#tokens) / this.#perSecond) * 1_000)
  }

  async #token(): Promise<void> {
    for (this.#fill(); this.#tokens < 1; this.#fill()) {
      const early = new AbortController()
      this.#wake = () => early.abort()
      await this.#clock.sleep(Math.ceil(((1 - this.#tokens) / this.#perSecond) * 1_000), early.signal).catch(() => undefined)
    }
  }

  #fill(): void {
    const now = this.#clock.elapsed()
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#filledAtMs) / 1_000) * this.#perSecond)
    this.#filledAtMs = now
  }

  get #burst(): number {
    return Math.max(1, this.#perSecond * burstSeconds)
  }
}

function tooBusy(waitMs: number): BrokerError {
  const seconds = Math.ceil(waitMs / 1_000)
  return new BrokerError(
    'target_rate_limited',
    `AWS limits the calls of this account, and others wait for theirs: try again in ${seconds} s`,
    {
      retryAfter: seconds
    }
  )
}

import type { Clock } from 'mayfly/plugin'

/** What a call is for. Revocation goes first. */
export type Lane = 'revoke' | 'issue'

// AWS publishes no rates. A bucket that starts here finds the account's own by being told to slow down.
const perSecondStart = 10
const perSecondMin = 1
const burstSeconds = 2

// The rate is judged by so many calls at least, in so much time at least: above this part of refusals it is halved, below it grows.
const judged = { callsMin: 10, msMin: 1_000, refusedMax: 0.1, slowDown: 0.5, step: 1 }

// While both wait, every so many-th call is one that issues.
const issuingFloor = 5

interface Waiter {
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
  #turns = 0
  #pumping = false
  readonly #waiting: Readonly<Record<Lane, Waiter[]>> = { revoke: [], issue: [] }

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

  /** Resolves when the call may be made; rejects with the signal's reason. */
  async take(lane: Lane, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#fill()
    if (this.#tokens >= 1 && this.#waiting.revoke.length + this.#waiting.issue.length === 0) return void (this.#tokens -= 1)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiter: Waiter = { go: resolve }
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
    this.#window = { sinceMs: now, passed: 0, refused: 0 }
    if (refused / calls > judged.refusedMax) this.#perSecond = Math.max(perSecondMin, this.#perSecond * judged.slowDown)
    else this.#perSecond = Math.min(this.#perSecondMax, this.#perSecond + judged.step)
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
        this.#tokens -= 1
        waiter.go()
      }
    } finally {
      this.#pumping = false
    }
  }

  #next(taken = false): Waiter | undefined {
    const { revoke, issue } = this.#waiting
    const issues = issue.length > 0 && (revoke.length === 0 || this.#turns % issuingFloor === issuingFloor - 1)
    const queue = issues ? issue : revoke
    if (!taken) return queue[0]
    this.#turns += 1
    return queue.shift()
  }

  async #token(): Promise<void> {
    for (this.#fill(); this.#tokens < 1; this.#fill()) await this.#clock.sleep(Math.ceil(((1 - this.#tokens) / this.#perSecond) * 1_000))
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

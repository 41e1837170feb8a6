import type { RevokeCall, RevokeOutcome, TargetId } from 'mayfly/plugin'
import { BrokerError } from 'mayfly/plugin'
import type { Account } from '../account/account.ts'
import { isRootRefused } from '../account/aws-error.ts'
import type { Engine } from '../engine.ts'
import { eachOf } from './each-of.ts'
import type { Endings } from './endings.ts'
import { idsOfUsers } from './list-users.ts'
import type { UserEnd } from './user-end.ts'

// Users at a time, each with one call in flight; the budget of the account says how many calls a second. So many that answers of a tenth of a second, and one call in ten that is
// refused and waits, do not keep it from being used.
const atOnceMax = 16
// What is not reached by then has another turn. A batch is told as a whole: that somebody has no access any more must be on record soon, and whoever waits for it hears no sooner.
const workMsMax = 6_000
const listMsMax = 10_000
// Of the list that only saves calls: where AWS is slow with it, users are asked for by name while there is time.
const shortcutMsMax = 2_000
// Of the whole end of one.
const callsOfUser = 12
// A list is some pages for all users, and a question by name is a call for each: it pays where so many will be reached in a turn.
const listedMin = 15

// How long after its creation a user may be unknown where it is asked for.
const settleMs = 60_000

// What keeps a user from being removed is for somebody to mend; it has no access meanwhile.
const cleanUpAgainMs = 30_000

type Step = 'identify' | 'disable' | 'deny' | 'remove'

/** One turn of users that end, at one account. What is decided is their `outcome`; the others have another turn. */
export class EndingBatch {
  readonly #engine: Engine
  readonly #account: Account
  readonly #endings: Endings
  readonly #target: TargetId
  readonly #ends: readonly UserEnd[]
  readonly #signal: AbortSignal
  readonly #until: number
  /** The first user at which AWS failed in this turn. */
  #failedAt: UserEnd | undefined

  constructor(engine: Engine, account: Account, endings: Endings, call: RevokeCall, ends: readonly UserEnd[], signal: AbortSignal) {
    this.#engine = engine
    this.#account = account
    this.#endings = endings
    this.#target = call.target
    this.#ends = ends
    this.#signal = signal
    this.#until = engine.context.clock.elapsed() + workMsMax
  }

  /** One user after the other loses its access, and only when all have, what they were is removed: what is not reached goes on in the next turn. */
  async work(): Promise<void> {
    const hurried = this.#ends.length > this.#reached(callsOfUser)
    for (const end of this.#ends) this.#recall(end, hurried)
    await this.#identifyByList()
    await this.#each(
      this.#open().filter(({ denied }) => !denied),
      ['identify', 'disable', 'deny']
    )
    this.#note()
    // More than one batch may be due: nobody of this one is cleaned up while one of another still has access.
    if (this.#endings.isAnyWaiting(this.#target)) return
    await this.#each(
      this.#open().filter(({ denied }) => denied),
      ['identify', 'remove']
    )
  }

  #note(): void {
    for (const end of this.#ends) if (end.denied) this.#endings.noteDenied(this.#target, end.name, end.keys)
    const waiting = new Set(this.#open().filter(({ denied, elusive }) => !denied && !elusive))
    const served = this.#ends.filter(end => !waiting.has(end))
    this.#endings.noteWaiting(this.#target, namesOf([...waiting]), namesOf(served))
  }

  #recall(end: UserEnd, hurried: boolean): void {
    end.hurried = hurried
    const keys = this.#endings.deniedKeys(this.#target, end.name)
    if (keys) end.recall(keys)
    end.wasAbsent = this.#endings.isAbsent(this.#target, end.name)
  }

  /** How many users a turn is for, each with so many calls. */
  #reached(calls: number): number {
    return (this.#account.iamPerSecond * workMsMax) / 1_000 / calls
  }

  /** Whatever goes wrong with it: who is not identified is asked for by name. */
  async #identifyByList(): Promise<void> {
    const worth = this.#ends.filter(({ wasAbsent }) => !wasAbsent)
    if (Math.min(worth.length, this.#reached(Math.max(1, worth[0]?.calls ?? 1))) < listedMin) return
    using deadline = this.#engine.context.clock.within(shortcutMsMax, this.#signal)
    const ids = await idsOfUsers(this.#account, 'revoke', deadline.signal).catch(() => undefined)
    this.#signal.throwIfAborted()
    if (ids) for (const end of worth) end.identifyIn(ids)
  }

  /** What has begun is done to the end: where AWS takes a call a second, users that wait with each of theirs behind the others would all be half ended for ever. */
  async #each(ends: readonly UserEnd[], steps: readonly Step[]): Promise<void> {
    using turn = this.#turn()
    await eachOf(ends, atOnceMax, async end => {
      using paid = await this.#account.endIam(end.calls, turn.signal).catch(() => undefined)
      this.#signal.throwIfAborted()
      if (!paid) return
      end.paid = paid
      for (const step of steps) await this.#step(end, step)
    })
  }

  #turn() {
    const { clock } = this.#engine.context
    return clock.within(Math.max(0, this.#until - clock.elapsed()), this.#signal)
  }

  /** For those who are not there: whether that is so, and for good. */
  async look(): Promise<void> {
    const absent = this.#ends.filter(end => end.outcome === undefined && end.absent)
    for (const end of this.#ends) if (end.there) this.#endings.noteThere(this.#target, end.name)
    const listed = absent.some(end => this.#isProven(end)) ? await this.#listed() : undefined
    for (const end of absent) end.outcome = this.#outcomeOf(end, listed)
  }

  /** Once a turn, for all of them. Where AWS is too slow for it, nothing is proven in this turn. */
  async #listed(): Promise<ReadonlyMap<string, string> | undefined> {
    using deadline = this.#engine.context.clock.within(listMsMax, this.#signal)
    try {
      return await idsOfUsers(this.#account, 'finish', deadline.signal)
    } catch (error) {
      if (deadline.signal.aborted && !this.#signal.aborted) return undefined
      throw error
    }
  }

  #outcomeOf(end: UserEnd, listed: ReadonlyMap<string, string> | undefined): RevokeOutcome {
    const createdBy = end.createBy?.add({ milliseconds: settleMs })
    if (createdBy && Temporal.Instant.compare(this.#engine.context.clock.now(), createdBy) <= 0)
      return { kind: 'ended', again: createdBy.add({ milliseconds: 1 }), waiting: 'the user may still be created' }
    if (listed && this.#isProven(end) && !listed.has(end.name.toLowerCase())) {
      this.#endings.forget(this.#target, end.name)
      return { kind: 'gone' }
    }
    const again = this.#endings.noteAbsent(this.#target, end.name)
    return { kind: 'ended', again, waiting: 'AWS has to tell twice that the user is gone' }
  }

  /** Twice, or once long after it could have been made. */
  #isProven(end: UserEnd): boolean {
    return (end.createBy !== undefined && !end.removed) || this.#endings.wasAbsent(this.#target, end.name)
  }

  #open(): readonly UserEnd[] {
    return this.#ends.filter(end => end.outcome === undefined && !end.absent)
  }

  async #step(end: UserEnd, step: Step): Promise<void> {
    if (end.outcome !== undefined || end.absent || end.late) return
    try {
      await end[step](this.#signal)
    } catch (error) {
      if (this.#signal.aborted || isRootRefused(error) || (isSilent(error) && this.#failsBeyond(end))) throw error
      if (error instanceof BrokerError && error.code === 'target_rate_limited') end.late = true
      else end.outcome = end.denied ? cleanUpFails(this.#engine, error) : { kind: 'failed', error }
    }
  }

  /** At one of several users it is that user's, or the others would wait for it for ever; at a second, or the only one, it is the service. */
  #failsBeyond(end: UserEnd): boolean {
    this.#failedAt ??= end
    return this.#failedAt !== end || this.#ends.length === 1
  }
}

const namesOf = (ends: readonly UserEnd[]): readonly string[] => ends.map(({ name }) => name)

function isSilent(error: unknown): boolean {
  return error instanceof BrokerError && (error.code === 'target_unreachable' || error.code === 'target_silent')
}

function cleanUpFails({ context }: Engine, error: unknown): RevokeOutcome {
  const why = error instanceof Error ? error.message : 'unknown'
  return {
    kind: 'ended',
    again: context.clock.now().add({ milliseconds: cleanUpAgainMs }),
    waiting: `disabled, and not cleaned up yet: ${why}`
  }
}

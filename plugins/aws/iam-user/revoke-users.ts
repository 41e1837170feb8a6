/** Ends users in batches: what takes access away is done for all of them before anything is cleaned up for one.
 *
 *    identify   GetUser: the very user of the handle, or hands off
 *    disable    every key inactive, those that somebody else made included
 *    deny       a policy of a name of its own, which a late creation or renewal cannot write over
 *    remove     keys, policies, groups, user; where that is not all that it has, all that it has
 *    look       AWS tells of an end now here, now there: gone is who is not there twice, neither by name nor in the list */
import type { LeaseId, RevokeCall, RevokedLease, RevokeOutcome, TargetId } from 'mayfly/plugin'
import { BrokerError } from 'mayfly/plugin'
import type { Account } from '../account.ts'
import { isRootRefused } from '../aws-error.ts'
import type { Engine } from '../engine.ts'
import { numberOf } from '../root-config.ts'
import type { Endings } from './endings.ts'
import { deadlineOf } from './dead-man.ts'
import { eachOf } from './each-of.ts'
import { isHandle } from './frozen.ts'
import type { Handle, Recipe } from './frozen.ts'
import { plainRecipe } from './frozen.ts'
import { namesOfUsers } from './list-users.ts'
import { UserEnd } from './user-end.ts'

// Calls in flight; the budget of the account says how many a second.
const atOnceMax = 8
// What is not reached by then has another turn. A batch is told as a whole: that somebody has no access any more must be on record soon, and whoever waits for it hears no sooner.
const workMsMax = 6_000
const nextTurnMs = 1_000
const listMsMax = 10_000

// How long after its creation a user may be unknown where it is asked for.
const settleMs = 60_000

export async function revokeUsers(
  engine: Engine,
  endings: Endings,
  call: RevokeCall,
  signal: AbortSignal
): Promise<readonly RevokeOutcome[]> {
  signal.throwIfAborted()
  const { account, version } = await engine.accounts.ofVersion(numberOf(call.target))
  if (version.account === null) throw new BrokerError('integrity', 'the account of the root is not on record')
  await refuseOtherAccount(account, version.account, signal)
  const recipe = (call.recipe as unknown as Recipe | null) ?? plainRecipe
  const ends = call.leases.map(lease =>
    isHandle(lease.handle) ? new UserEnd(engine, account, version.account!, recipe, lease as RevokedLease<Handle>) : undefined
  )
  const readable = ends.filter(end => end !== undefined)
  const batch = new Batch(engine, account, endings, call, readable, signal)
  await batch.work()
  await batch.look()
  const untils = await untilsOf(
    engine,
    readable.filter(end => end.outcome === undefined && !end.denied)
  )
  return ends.map(end => end?.outcome ?? (end ? unfinished(engine, end, untils) : unreadable))
}

const unreadable: RevokeOutcome = { kind: 'failed', error: new BrokerError('integrity', 'the handle names no user') }

/** A key of another account finds nobody, and that would look like an end. */
async function refuseOtherAccount(account: Account, expected: string, signal: AbortSignal): Promise<void> {
  const identity = await account.identity(signal)
  if (identity.account !== expected)
    throw new BrokerError('target_refused', `the root key is one of account ${identity.account}, and these users are in ${expected}`)
}

type Step = 'identify' | 'disable' | 'deny' | 'remove'

class Batch {
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
    for (const end of this.#ends) end.denied = this.#endings.isDenied(this.#target, end.name)
    await this.#each(
      this.#open().filter(({ denied }) => !denied),
      ['identify', 'disable', 'deny']
    )
    for (const end of this.#ends) if (end.denied) this.#endings.noteDenied(this.#target, end.name)
    if (this.#open().every(({ denied }) => denied)) await this.#each(this.#open(), ['identify', 'remove'])
  }

  /** What has begun is done to the end: where AWS takes a call a second, users that wait with each of theirs behind the others would all be half ended for ever. */
  async #each(ends: readonly UserEnd[], steps: readonly Step[]): Promise<void> {
    const { clock } = this.#engine.context
    using turn = clock.within(Math.max(0, this.#until - clock.elapsed()), this.#signal)
    await eachOf(ends, atOnceMax, async end => {
      using paid = await this.#account.endIam(end.calls, turn.signal).catch(() => undefined)
      this.#signal.throwIfAborted()
      if (!paid) return
      end.paid = paid
      for (const step of steps) await this.#step(end, step)
    })
  }

  /** For those who are not there: whether that is so, and for good. */
  async look(): Promise<void> {
    const absent = this.#ends.filter(end => end.outcome === undefined && end.absent)
    for (const end of this.#ends) if (end.there) this.#endings.noteThere(this.#target, end.name)
    const listed = absent.some(end => this.#isProven(end)) ? await this.#listed() : undefined
    for (const end of absent) end.outcome = this.#outcomeOf(end, listed)
  }

  /** Once a turn, for all of them. Where AWS is too slow for it, nothing is proven in this turn. */
  async #listed(): Promise<ReadonlySet<string> | undefined> {
    using deadline = this.#engine.context.clock.within(listMsMax, this.#signal)
    try {
      return await namesOfUsers(this.#account, 'finish', deadline.signal)
    } catch (error) {
      if (deadline.signal.aborted && !this.#signal.aborted) return undefined
      throw error
    }
  }

  #outcomeOf(end: UserEnd, listed: ReadonlySet<string> | undefined): RevokeOutcome {
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

  /** At one of several users it is that user's, or the others would wait for it for ever; at a second, or the only one, it is the service. */
  #failsBeyond(end: UserEnd): boolean {
    this.#failedAt ??= end
    return this.#failedAt !== end || this.#ends.length === 1
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
}

function isSilent(error: unknown): boolean {
  return error instanceof BrokerError && (error.code === 'target_unreachable' || error.code === 'target_silent')
}

// What keeps a user from being removed is for somebody to mend; it has no access meanwhile.
const cleanUpAgainMs = 30_000

function cleanUpFails({ context }: Engine, error: unknown): RevokeOutcome {
  const why = error instanceof Error ? error.message : 'unknown'
  return {
    kind: 'ended',
    again: context.clock.now().add({ milliseconds: cleanUpAgainMs }),
    waiting: `disabled, and not cleaned up yet: ${why}`
  }
}

function unfinished({ context }: Engine, end: UserEnd, untils: ReadonlyMap<LeaseId, Temporal.Instant>): RevokeOutcome {
  const now = context.clock.now()
  const again = now.add({ milliseconds: nextTurnMs })
  if (end.denied) return { kind: 'ended', again, waiting: 'disabled; the calls that remove it wait for their turn' }
  const until = untils.get(end.lease)
  return { kind: 'outlives', until: deadlineOf(until ?? now), again, why: 'the calls that end it wait for their turn: AWS limits them' }
}

async function untilsOf({ context }: Engine, ends: readonly UserEnd[]): Promise<ReadonlyMap<LeaseId, Temporal.Instant>> {
  if (ends.length === 0) return new Map()
  const leases = await context.leases.named(ends.map(({ name }) => name))
  return new Map(leases.map(({ id, until }) => [id, until]))
}

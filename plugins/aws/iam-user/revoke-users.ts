/** Ends users in batches: what takes access away is done for all of them before anything is cleaned up for one.
 *
 *    identify   a list of all, or GetUser: the very user of the handle, or hands off
 *    disable    every key inactive, those that somebody else made included
 *    deny       a policy of a name of its own, which a late creation or renewal cannot write over
 *    remove     after a last look at whether it was used: keys, policies, groups, user; where that is not all that it has, all that it has
 *    look       AWS tells of an end now here, now there: gone is who is not there twice, neither by name nor in the list */
import type { LeaseId, RevokeCall, RevokedLease, RevokeOutcome, Usage } from 'mayfly/plugin'
import { BrokerError } from 'mayfly/plugin'
import type { Account } from '../account/account.ts'
import type { Engine } from '../engine.ts'
import { numberOf } from '../root/root-config.ts'
import type { Endings } from './endings.ts'
import { deadlineOf } from './dead-man.ts'
import { EndingBatch } from './ending-batch.ts'
import { isHandle } from './frozen.ts'
import type { Handle, Recipe } from './frozen.ts'
import { plainRecipe } from './frozen.ts'
import { UserEnd } from './user-end.ts'

const nextTurnMs = 1_000
// So that the next turn comes before that time has passed.
const outlivesMsMin = 60_000

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
  const batch = new EndingBatch(engine, account, endings, call, readable, signal)
  await batch.work()
  await batch.look()
  for (const { name, used } of readable) if (used) tellUse(call, name, used)
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

/** As a moment until which it had access: that counts no use, because a look before may have told of the same one. */
function tellUse({ storage }: RevokeCall, name: string, { lastSeen, from: [from] = [] }: Usage): void {
  if (lastSeen) storage.used(name, { at: lastSeen, kind: 'logout', ...(from !== undefined && { from }) })
}

function unfinished({ context }: Engine, end: UserEnd, untils: ReadonlyMap<LeaseId, Temporal.Instant>): RevokeOutcome {
  const now = context.clock.now()
  const again = now.add({ milliseconds: nextTurnMs })
  if (end.denied) return { kind: 'ended', again, waiting: 'disabled; the calls that remove it wait for their turn' }
  const deadline = deadlineOf(untils.get(end.lease) ?? now)
  // The broker closes what outlives its end once that time has passed, and this one is still there.
  if (Temporal.Instant.compare(deadline, now) <= 0)
    return { kind: 'ended', again, waiting: 'over by its own policy; the calls that remove it wait for their turn' }
  const soonest = now.add({ milliseconds: outlivesMsMin })
  const until = Temporal.Instant.compare(deadline, soonest) < 0 ? soonest : deadline
  const why = end.elusive ? 'AWS knows it in one place and not in another' : 'the calls that end it wait for their turn: AWS limits them'
  return { kind: 'outlives', until, again, why }
}

async function untilsOf({ context }: Engine, ends: readonly UserEnd[]): Promise<ReadonlyMap<LeaseId, Temporal.Instant>> {
  if (ends.length === 0) return new Map()
  const leases = await context.leases.named(ends.map(({ name }) => name))
  return new Map(leases.map(({ id, until }) => [id, until]))
}

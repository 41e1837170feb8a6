/** What can be said of a session that is to end: AWS takes none back. It ends by itself; until then a role may let us deny everything to it. */
import type { JsonObject, RevokeCall, RevokedLease, RevokeOutcome } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import type { Cut } from './cut-policy.ts'
import { cutKey, readPublished, roleDigest } from './cuts.ts'
import type { Published } from './cuts.ts'
import { publishCuts } from './publish-cuts.ts'
import type { CutIntent } from './publish-cuts.ts'
import type { SessionHandle, SessionRecipe } from './session-recipe.ts'

// AWS says of a changed policy that it may take minutes until it counts everywhere.
const settleMs = 120_000
// How soon to look whether the task has published.
const lookAgainMs = 5_000

export async function revokeSessions(engine: Engine, call: RevokeCall, signal: AbortSignal): Promise<readonly RevokeOutcome[]> {
  signal.throwIfAborted()
  const recipe = call.recipe as SessionRecipe
  if (recipe.cut === 'none') return call.leases.map(lease => outlivesOrGone(engine, lease))
  const digest = roleDigest(recipe.roleArn)
  const { published } = await readPublished(call.storage, digest)
  const outcomes = call.leases.map(lease => cutOutcome(engine, call, { recipe, digest, published }, lease))
  if (outcomes.some(({ kind, why }) => kind === 'outlives' && why === onTheWay)) {
    const intent: CutIntent = { target: call.target, roleArn: recipe.roleArn }
    call.storage.schedule(publishCuts, digest, engine.context.clock.now(), intent satisfies JsonObject)
  }
  return outcomes
}

const onTheWay = 'the policy that cuts it is being written'
const noRoom = 'its role has no room for one more cut, or is not there: it ends by itself'
const noCut = 'AWS takes no session back: it ends by itself'

interface Cutting {
  readonly recipe: SessionRecipe
  readonly digest: string
  readonly published: Published
}

type Told = RevokeOutcome & { readonly why?: string }

function outlivesOrGone({ context }: Engine, lease: RevokedLease): Told {
  const until = endOf(lease)
  if (isPast(until, context.clock.now())) return { kind: 'gone' }
  return { kind: 'outlives', until, again: until, why: noCut }
}

function cutOutcome(engine: Engine, call: RevokeCall, { recipe, digest, published }: Cutting, lease: RevokedLease): Told {
  const now = engine.context.clock.now()
  const until = endOf(lease)
  if (isPast(until, now)) return { kind: 'gone' }
  const cut = cutFor(recipe, lease, until)
  const since = published.since[cut.part]
  if (since !== undefined) {
    const settled = Temporal.Instant.from(since).add({ milliseconds: settleMs })
    if (isPast(settled, now)) return { kind: 'ended', again: until, waiting: 'everything is denied to it until it ends by itself' }
    return {
      kind: 'outlives',
      until,
      again: earlier(settled, until),
      why: 'everything is denied to it, and AWS may need minutes until that counts everywhere'
    }
  }
  call.storage.put(cutKey(digest, cut), true)
  if (isLeftOut(cut, published)) return { kind: 'outlives', until, again: earlier(now.add({ minutes: 1 }), until), why: noRoom }
  return { kind: 'outlives', until, again: earlier(now.add({ milliseconds: lookAgainMs }), until), why: onTheWay }
}

/** A cut by time takes no room of its own: it is left out only where nothing can be cut at all. */
function isLeftOut({ until, before }: Cut, { since, leftOutUntil }: Published): boolean {
  if (leftOutUntil === null || !isPast(until, Temporal.Instant.from(leftOutUntil))) return false
  return before === undefined || Object.keys(since).length === 0
}

function cutFor({ cut }: SessionRecipe, { handle, createBy }: RevokedLease, until: Temporal.Instant): Cut {
  const { name, issuedAt } = handle as SessionHandle
  if (cut === 'session_name') return { part: name.slice(name.lastIndexOf('-') + 1), until }
  // The time of AWS is whole seconds and not ours: a little later takes this one in for sure.
  const before = (issuedAt === undefined ? createBy! : Temporal.Instant.from(issuedAt)).add({ seconds: 2 })
  return { part: String(before.epochMilliseconds), until, before }
}

/** Of one that nobody heard of the latest that STS may have made. */
function endOf({ handle, createBy }: RevokedLease): Temporal.Instant {
  const { until, seconds } = handle as SessionHandle
  return until === undefined ? createBy!.add({ seconds }) : Temporal.Instant.from(until)
}

const isPast = (moment: Temporal.Instant, now: Temporal.Instant): boolean => Temporal.Instant.compare(moment, now) <= 0
const earlier = (a: Temporal.Instant, b: Temporal.Instant): Temporal.Instant => (Temporal.Instant.compare(a, b) < 0 ? a : b)

/** The one door. Every request passes the same steps: authenticate, authorize, do, audit, reply. Nobody can forget to audit.
 *
 *  Where the effect is outside the store (an issue, a renewal, a revocation that is waited for) there is a commit with its audit entry on each side of it; everything
 *  else appends its change and its audit entries in one commit before the reply. */
import { BrokerError, parseFields } from '../../contracts/index.ts'
import type { LeaseId, Operation } from '../../contracts/index.ts'
import { newLeaseId } from '../../lease/lease-id.ts'
import type { Change } from '../../store/change.ts'
import { authenticate } from './authenticate.ts'
import { authorize, listed } from './authorize.ts'
import type { Verdict } from './authorize.ts'
import type { Call } from './core-path.ts'
import { Exchange } from './exchange.ts'
import { issue } from '../leases/issue.ts'
import { login } from '../login/login.ts'
import type { Attempt } from '../login/login.ts'
import { anonymous } from './anonymous.ts'
import type { Parts } from '../parts.ts'
import { toReply } from './reply.ts'
import type { IssuedOutcome } from './reply.ts'
import type { Identity, Outcome, Reply, WireRequest } from './request.ts'
import { isForAnyone, route } from './route.ts'
import type { Route, Served } from './route.ts'
import { spendUse } from './spend-use.ts'
import { asksAboutWrapping, identifyHolder, refuseDeadWrapping } from '../wrapping/wrapping-holder.ts'

export async function perform(parts: Parts, request: WireRequest): Promise<Reply> {
  const identity = await identify(parts, request) // 403, one sentence, whatever was wrong
  const here = route(parts, request)
  const exchange = new Exchange(parts, request, identity, here.mount?.record)
  try {
    if (asksAboutWrapping(request)) await refuseDeadWrapping(parts, request, identity) // 400 to anybody, before the policy
    if (here.open && here.mount?.kind === 'core' && !identity.token) refuseFlood(parts, request)
    const verdict = here.open ? pass(request) : await authorize(identity, request, here)
    exchange.decided(verdict.decision)
    if (!verdict.decision.allowed) throw new BrokerError('permission_denied', listed('permission denied')) // refusals are audited too
    // A sink that is behind stops no host from learning what is revoked.
    if (!here.counted) parts.sinks.refuseWhileLagging(request)
    if (parts.hold.held) parts.hold.refuseWrites(request)
    return await run(exchange, here, verdict.operation)
  } catch (error) {
    if (!identity.token && parts.refusals.onlyCounted(request.remoteAddress, error)) parts.trail.countRefusal(request.remoteAddress)
    else await exchange.fail(error)
    throw error
  }
}

async function identify(parts: Parts, request: WireRequest): Promise<Identity> {
  if (asksAboutWrapping(request)) return identifyHolder(parts, request)
  if (isForAnyone(parts, request)) return anonymous
  try {
    return await spendUse(parts, await authenticate(parts, request))
  } catch (error) {
    if (error instanceof BrokerError && error.code === 'permission_denied') parts.trail.countRefusal(request.remoteAddress)
    throw error
  }
}

/** Of what anybody may read every answer is in the trail: without a bound anybody could fill it. */
function refuseFlood({ refusals }: Parts, { operation, remoteAddress }: WireRequest): void {
  if (operation === 'read' && refusals.spent(remoteAddress)) throw new BrokerError('quota_exceeded', 'too many requests without a token')
}

function pass(request: WireRequest): Verdict {
  if (request.operation === 'patch') throw new BrokerError('unsupported_operation', listed('unsupported operation'))
  const operation: Operation = request.operation === 'write' ? 'update' : request.operation
  return { operation, decision: { allowed: true, rule: '', policies: [] } }
}

async function run(exchange: Exchange, here: Route, operation: Operation): Promise<Reply> {
  const served = here.serve(operation)
  const after: (() => Promise<void> | void)[] = []
  const { call, unknown } = open(exchange, served, operation, after)
  const say: Say = outcome => toReply(exchange.request, operation, outcome, unknown)
  const answer = await served.handle(call)
  if (answer && 'issue' in answer) {
    exchange.parts.hold.refuse()
    return issue(exchange, call, answer.issue, say)
  }
  if (answer && ('login' in answer || 'refused' in answer)) {
    const again = () => attempt(served, open(exchange, served, operation, after).call)
    return login(exchange, here.mount!, { call, answer }, again, say)
  }
  if (here.counted === true && changesNothing(call, answer)) {
    exchange.parts.trail.countReading(exchange.request.remoteAddress)
    return say(answer)
  }
  const reply = await settle(exchange, call, answer, say)
  for (const action of after) await action()
  return reply
}

/** And nobody asked who is known: those are told of, one by one. */
function changesNothing({ identity, request, changes }: Call, answer: Outcome): boolean {
  return !identity.token && !request.wrapSeconds && changes.length === 0 && !(answer && 'wait' in answer)
}

/** The same proof looked at anew, after somebody else was faster. */
async function attempt(served: Served, call: Call): Promise<Attempt> {
  const answer = await served.handle(call)
  if (answer && ('login' in answer || 'refused' in answer)) return { call, answer }
  throw new Error('what planned a login answers something else')
}

type Say = (outcome: Outcome | IssuedOutcome) => Reply

/** One commit, or one on each side of what is waited for. */
async function settle(exchange: Exchange, call: Call, answer: Outcome, say: Say): Promise<Reply> {
  if (!answer || !('wait' in answer)) return exchange.reply(call.changes, { outcome: answer }, () => say(answer))
  await exchange.promise(call.changes)
  const outcome = await answer.wait()
  try {
    return await exchange.reply([], { outcome }, () => say(outcome))
  } catch (error) {
    if (outcome && 'stream' in outcome) await outcome.stream[Symbol.asyncDispose]()
    throw error
  }
}

function open(
  exchange: Exchange,
  served: Served,
  operation: Operation,
  after: (() => Promise<void> | void)[]
): { call: Call; unknown: readonly string[] } {
  const { parts, request, identity } = exchange
  const { fields, given, unknown } = parseFields(served.fields, request.data)
  const changes: Change[] = []
  let lease: LeaseId | undefined
  const call: Call = {
    parts,
    request,
    identity,
    operation,
    params: served.params,
    fields: fields as Call['fields'],
    given,
    get lease() {
      return (lease ??= newLeaseId(request.path, parts.clock.now(), parts.random))
    },
    signal: request.gone,
    changes,
    change: (intention, audit) => void changes.push({ ...intention, now: parts.clock.now(), ...(audit ? { audit } : {}) }),
    afterCommit: action => void after.push(action)
  }
  return { call, unknown }
}

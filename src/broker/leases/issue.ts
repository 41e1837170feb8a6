/** Promise, effect, activation, reply: the order that the whole broker stands on. */
import { BrokerError } from '../../contracts/index.ts'
import type { Issuance, Issued, IssuingType } from '../../contracts/index.ts'
import { issueLimitMs } from '../../lease/lease.ts'
import type { Lease } from '../../lease/lease.ts'
import type { Call } from '../door/core-path.ts'
import type { Exchange } from '../door/exchange.ts'
import type { IssuedOutcome } from '../door/reply.ts'
import type { Reply } from '../door/request.ts'
import { codeOf } from '../meter/meter-outcome.ts'
import type { BackendMount } from '../mounts/mount.ts'
import type { Parts } from '../parts.ts'
import { heldBack } from './held-back.ts'
import { issuedAnswer, issuedOutcome } from './issued-outcome.ts'
import { handlePlace } from './lease-rows.ts'
import { lifetime } from './lifetime.ts'
import { mint } from './mint.ts'
import { promisedLease } from './promised-lease.ts'
import { refuseIssuing } from './refuse-issuing.ts'
import { refuseUseless } from './refuse-useless.ts'

type Say = (outcome: IssuedOutcome) => Reply

export async function issue(exchange: Exchange, call: Call, plan: Issuance, say: Say): Promise<Reply> {
  const { clock, meter } = call.parts
  const began = clock.elapsed()
  const { reply, afterwards, expiresAt } = await issueNow(exchange, call, plan, say).catch((error: unknown) => {
    meter.notIssued(codeOf(error))
    throw error
  })
  meter.issued((clock.elapsed() - began) / 1_000)
  return afterwards && expiresAt ? await heldBack(call, reply, expiresAt, afterwards) : reply
}

interface Made {
  readonly reply: Reply
  readonly afterwards?: Issued['afterwards']
  readonly expiresAt?: Temporal.Instant
}

async function issueNow(exchange: Exchange, call: Call, plan: Issuance, say: Say): Promise<Made> {
  const mount = servingMount(call)
  refuseIssuing(call, plan)
  const credential = mount.backend.credentials[plan.credential]
  if (!credential) throw new Error(`the backend plans ${plan.credential} and does not have it`)
  // What is made here waits for no target, and takes no place of those that do.
  if (credential.mint) return { reply: await mint(exchange, call, { mount, credential, plan }, say) }
  return call.parts.gates.issue(plan.target, call.signal, () => issueAtTarget(exchange, call, { mount, credential, plan }, say))
}

interface Planned {
  readonly mount: BackendMount
  readonly credential: IssuingType
  readonly plan: Issuance
}

async function issueAtTarget(exchange: Exchange, call: Call, { mount, credential, plan }: Planned, say: Say): Promise<Made> {
  const { parts } = call
  const ttl = lifetime(call, mount, plan)
  const lease = promisedLease(call, mount, plan, ttl)
  await parts.at('issue:before-promise')
  const { sealed: recipe } = parts.recipes.of(plan.recipe)
  await exchange.promise([...call.changes, { kind: 'lease.begin', now: parts.clock.now(), lease, recipe }])
  await parts.at('issue:after-promise-commit')
  try {
    const issued = await takeEffect(parts, credential, plan, lease)
    await parts.at('issue:before-active')
    const reply = await activate(exchange, plan, lease, issued, () => say(issuedOutcome(parts, lease, ttl, plan, issued, call)))
    await parts.at('issue:after-active-commit')
    return { reply, afterwards: issued.afterwards?.bind(issued), expiresAt: issued.until ?? lease.expiresAt }
  } catch (error) {
    throw await giveUp(exchange, lease, error)
  }
}

function servingMount(call: Call): BackendMount {
  const mount = call.parts.mounts.at(call.request.path)?.mount
  if (mount?.kind !== 'backend') throw new BrokerError('no_route', 'the mount is not there')
  return mount
}

async function takeEffect(parts: Parts, credential: IssuingType, plan: Issuance, lease: Lease): Promise<Issued> {
  // Not bound to the caller's connection: a caller who leaves must not turn a clean issue into an unknown one.
  using deadline = parts.clock.within(issueLimitMs)
  const { id, target, createBy, expiresAt } = lease
  const { recipe, handle, order = null } = plan
  const asked = { lease: id, target, recipe, handle, order, createBy, until: expiresAt }
  const issued = await parts.healths.watch(target, () => credential.issue(asked, deadline.signal))
  await parts.at('issue:after-create-ack')
  return issued
}

async function activate(exchange: Exchange, plan: Issuance, lease: Lease, issued: Issued, say: () => Reply): Promise<Reply> {
  const { parts } = exchange
  const now = parts.clock.now()
  const expiresAt = issued.until ?? lease.expiresAt
  refuseUseless(exchange.request, expiresAt, now)
  const handle = parts.barrier.sealJson(handlePlace(lease.id), issued.handle)
  const { id, version } = lease
  const { guarantees } = plan
  const visible = { ...plan.visible, ...issued.visible }
  const activation = { kind: 'lease.activate', now, id, version, handle, visible, expiresAt, guarantees } as const
  return exchange.reply([activation], issuedAnswer(plan, lease, issued, expiresAt), say)
}

/** Any doubt ends in less access: the lease is due at once and the sweeper finds out what there is. */
async function giveUp(exchange: Exchange, lease: Lease, error: unknown): Promise<unknown> {
  const { parts } = exchange
  parts.log.warn('issuing failed', { lease: lease.id, target: lease.target }, error)
  const told =
    error instanceof BrokerError
      ? error
      : new BrokerError('target_silent', 'issuing failed; what may have been made is being revoked', { cause: error })
  const due = { kind: 'lease.due', now: parts.clock.now(), id: lease.id, cause: 'issue-failed' } as const
  try {
    await exchange.conclude([due], { leaseId: lease.id, error: told })
  } catch (cause) {
    // The row is due by itself when its grace is over: nothing is lost, it only takes longer.
    parts.log.error('a failed issue could not be recorded', { lease: lease.id }, cause)
  }
  parts.wake()
  return told
}

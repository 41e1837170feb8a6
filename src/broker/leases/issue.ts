/** Promise, effect, activation, reply: the order that the whole broker stands on. */
import { BrokerError } from '../../contracts/index.ts'
import type { Issuance, Issued } from '../../contracts/index.ts'
import { issueGraceMs, issueLimitMs } from '../../lease/lease.ts'
import type { Lease } from '../../lease/lease.ts'
import { computeTtl } from '../../lease/ttl.ts'
import type { Ttl } from '../../lease/ttl.ts'
import type { Token } from '../../store/token.ts'
import type { Call } from '../door/core-path.ts'
import type { Exchange } from '../door/exchange.ts'
import { handlePlace, recipeId, recipePlace } from './lease-rows.ts'
import { codeOf } from '../meter/meter-outcome.ts'
import type { Mount } from '../mounts/mount.ts'
import type { Parts } from '../parts.ts'
import type { IssuedOutcome } from '../door/reply.ts'
import type { Reply } from '../door/request.ts'

// A reply that arrives with less than this left would hand out a login that is dead on arrival.
const usefulMsMin = 250

export async function issue(exchange: Exchange, call: Call, plan: Issuance, say: (outcome: IssuedOutcome) => Reply): Promise<Reply> {
  const { clock, meter } = call.parts
  const began = clock.elapsed()
  try {
    const reply = await issueNow(exchange, call, plan, say)
    meter.issued((clock.elapsed() - began) / 1_000)
    return reply
  } catch (error) {
    meter.notIssued(codeOf(error))
    throw error
  }
}

async function issueNow(exchange: Exchange, call: Call, plan: Issuance, say: (outcome: IssuedOutcome) => Reply): Promise<Reply> {
  const { parts } = call
  const mount = servingMount(call)
  refuseBeforeAnyEffect(call, plan)
  return parts.gates.issue(plan.target, call.signal, async () => {
    const ttl = lifetime(call, mount, plan)
    const lease = promised(call, mount, plan, ttl)
    await parts.at('issue:before-promise')
    const recipe = parts.barrier.sealJson(recipePlace(lease.recipe), plan.recipe)
    await exchange.promise([...call.changes, { kind: 'lease.begin', now: parts.clock.now(), lease, recipe }])
    await parts.at('issue:after-promise-commit')
    try {
      const issued = await takeEffect(parts, mount, plan, lease)
      await parts.at('issue:before-active')
      const reply = await activate(exchange, plan, lease, issued, () => say(issuedOutcome(parts, lease, ttl, plan, issued, call)))
      await parts.at('issue:after-active-commit')
      return reply
    } catch (error) {
      throw await giveUp(exchange, lease, error)
    }
  })
}

function servingMount(call: Call): Extract<Mount, { kind: 'backend' }> {
  const mount = call.parts.mounts.at(call.request.path)?.mount
  if (mount?.kind !== 'backend') throw new BrokerError('no_route', 'the mount is not there')
  return mount
}

function refuseBeforeAnyEffect(call: Call, plan: Issuance): void {
  const { parts, identity } = call
  // On the wire the credential is made and revoked at once; refusing first leaves nothing to revoke.
  if (identity.token?.endedAt)
    throw new BrokerError(
      'invalid_request',
      'Secret cannot be returned; token had one use left, so leased credentials were immediately revoked.'
    )
  parts.inspection.refuseOnDamage()
  if (parts.time.suspect())
    throw new BrokerError(
      'clock_suspect',
      'the clock of this host disagrees with the time of the store; nothing is issued until they agree'
    )
  const failing = parts.circuits.failing(plan.target)
  if (failing)
    throw new BrokerError('target_unreachable', 'the target does not answer now; waiting revocations will find out when it does', {
      retryAfter: 10
    })
}

function lifetime(call: Call, mount: Extract<Mount, { kind: 'backend' }>, plan: Issuance): Ttl {
  const { parts } = call
  const now = parts.clock.now()
  const { config } = mount.record
  return computeTtl({
    start: now,
    now,
    increment: 0,
    defaults: [plan.ttl, config.default_lease_ttl, parts.settings.credentialTtl],
    maxima: [parts.mounts.ttls(mount.record).maxTtl, plan.maxTtl],
    parentEnd: plan.outlivesToken ? undefined : latestEnd(call.identity.token)
  })
}

/** The latest moment at which the token can still live: its expiry when nobody can move it, else its explicit maximum. */
export function latestEnd(token: Token | null): Temporal.Instant | undefined {
  if (!token?.expiresAt) return undefined
  if (!token.renewable) return token.expiresAt
  return token.explicitMaxTtl > 0 ? token.issuedAt.add({ seconds: token.explicitMaxTtl }) : undefined
}

function promised(call: Call, mount: Extract<Mount, { kind: 'backend' }>, plan: Issuance, ttl: Ttl): Lease {
  const { parts, request, identity } = call
  const now = parts.clock.now()
  return {
    id: call.lease,
    state: 'issuing',
    version: 1,
    mount: mount.record.uuid,
    path: request.path,
    role: plan.role,
    roleVersion: plan.roleVersion,
    credential: plan.credential,
    target: plan.target,
    recipe: recipeId(parts, plan.recipe),
    handle: parts.barrier.sealJson(handlePlace(call.lease), plan.handle),
    name: plan.name,
    visible: plan.visible,
    token: identity.token?.hash ?? '',
    accessor: identity.token?.accessor ?? '',
    displayName: identity.token?.displayName ?? '',
    entity: identity.token?.entity ?? '',
    remoteAddress: request.remoteAddress,
    requestId: request.id,
    outlivesToken: plan.outlivesToken ?? false,
    renewable: plan.renewable,
    guarantees: plan.guarantees,
    ttl: plan.ttl || mount.record.config.default_lease_ttl || parts.settings.credentialTtl,
    issuedAt: now,
    expiresAt: ttl.expiresAt,
    maxExpiresAt: ttl.maxExpiresAt,
    createBy: now.add({ milliseconds: issueLimitMs }),
    lastRenewal: null,
    dueAt: now.add({ milliseconds: issueGraceMs }),
    epoch: parts.store.node.epoch,
    activated: false,
    cause: null,
    failures: 0,
    lastError: null,
    endedAt: null,
    revokedAt: null,
    forcedBy: null
  }
}

async function takeEffect(parts: Parts, mount: Extract<Mount, { kind: 'backend' }>, plan: Issuance, lease: Lease): Promise<Issued> {
  // Not bound to the caller's connection: a caller who leaves must not turn a clean issue into an unknown one.
  using deadline = parts.clock.within(issueLimitMs)
  const credential = mount.backend.credentials[plan.credential]
  if (!credential) throw new Error(`the backend plans ${plan.credential} and does not have it`)
  const issued = await credential.issue(
    {
      lease: lease.id,
      target: lease.target,
      recipe: plan.recipe,
      handle: plan.handle,
      order: plan.order ?? null,
      createBy: lease.createBy,
      until: lease.expiresAt
    },
    deadline.signal
  )
  await parts.at('issue:after-create-ack')
  return issued
}

/** After the effect, look at the clock again: a pause may have eaten the credential's time. */
async function activate(exchange: Exchange, plan: Issuance, lease: Lease, issued: Issued, say: () => Reply): Promise<Reply> {
  const { parts, request } = exchange
  const now = parts.clock.now()
  const expiresAt = issued.until ?? lease.expiresAt
  if (expiresAt.epochMilliseconds - now.epochMilliseconds < usefulMsMin)
    throw new BrokerError('target_silent', 'issuing took longer than the credential lives')
  if (request.gone.aborted) throw new BrokerError('caller_gone', 'the caller has gone before the reply')
  const handle = parts.barrier.sealJson(handlePlace(lease.id), issued.handle)
  return exchange.reply(
    [
      {
        kind: 'lease.activate',
        now,
        id: lease.id,
        version: lease.version,
        handle,
        visible: plan.visible,
        expiresAt,
        guarantees: plan.guarantees
      }
    ],
    {
      leaseId: lease.id,
      outcome: { data: issued.secret.reveal() },
      issued: {
        ...plan.visible,
        role: plan.role,
        target: plan.target,
        guarantees: plan.guarantees,
        expire_time: expiresAt.toString()
      },
      ...(plan.warnings ? { warnings: plan.warnings } : {})
    },
    say
  )
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

function issuedOutcome(parts: Parts, lease: Lease, ttl: Ttl, plan: Issuance, issued: Issued, call: Call): IssuedOutcome {
  const expiresAt = issued.until ?? lease.expiresAt
  const seconds = Math.max(0, Math.min(ttl.seconds, Math.ceil((expiresAt.epochMilliseconds - parts.clock.now().epochMilliseconds) / 1_000)))
  const warnings = [...ttl.warnings, ...(plan.warnings ?? []), ...(issued.warnings ?? []), ...tokenEndsFirst(call, plan, expiresAt)]
  return { issued: { id: lease.id, renewable: plan.renewable, seconds, data: issued.secret }, warnings }
}

function tokenEndsFirst(call: Call, plan: Issuance, expiresAt: Temporal.Instant): readonly string[] {
  const end = call.identity.token?.expiresAt
  if (plan.outlivesToken || !end || Temporal.Instant.compare(end, expiresAt) >= 0) return []
  return [`the token ends at ${end.toString({ smallestUnit: 'second' })}, before this lease, and ends it unless it is renewed`]
}

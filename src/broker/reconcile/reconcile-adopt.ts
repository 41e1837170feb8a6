/** Gives what was found without a lease a lease, by policy, so that the ordinary sweeper ends it: the promise is durable before anything is done to the target, and nothing here ever
 *  does anything to a target. `remove` is `adopt` with an end that is now. */
import type { Found, Guarantees, Json, LeaseId, TargetId } from '../../contracts/index.ts'
import { newLeaseId } from '../../lease/lease-id.ts'
import type { Lease } from '../../lease/lease.ts'
import type { Change } from '../../store/change.ts'
import { handlePlace, recipeId, recipePlace } from '../leases/lease-rows.ts'
import type { MountRecord } from '../mounts/mount.ts'
import type { Parts } from '../parts.ts'
import type { AdoptedReport } from './reconcile-report.ts'

const changesAtOnceMax = 500

export interface AdoptingTarget {
  readonly id: TargetId
  readonly credential: string
  readonly mount: MountRecord
}

/** Those that have a lease now, by name. What another node, or a new cascade, was faster with has none from here: the next look tells. */
export async function adopt(
  parts: Parts,
  target: AdoptingTarget,
  policy: 'adopt' | 'remove',
  found: readonly Found[]
): Promise<ReadonlyMap<string, AdoptedReport>> {
  const adopted = new Map<string, AdoptedReport>()
  for (let from = 0; from < found.length; from += changesAtOnceMax) {
    const batch = found.slice(from, from + changesAtOnceMax)
    const history = new Map((await parts.store.leasesNamed(batch.map(({ name }) => name))).map(lease => [lease.name, lease]))
    const adoptions = batch.flatMap(one => adoption(parts, target, policy, one, history.get(one.name)))
    await parts.at('reconcile:before-adopt')
    const results = await parts.store.commit(
      adoptions.map(({ change }) => change),
      []
    )
    await parts.at('reconcile:after-adopt-commit')
    for (const [at, { report }] of adoptions.entries()) if (results[at]?.applied) adopted.set(report.name, report)
  }
  if (adopted.size > 0) parts.wake()
  return adopted
}

interface Adoption {
  readonly change: Change
  readonly report: AdoptedReport
}

function adoption(
  parts: Parts,
  target: AdoptingTarget,
  policy: 'adopt' | 'remove',
  found: Found,
  earlier: Lease | undefined
): readonly Adoption[] {
  if (found.handle === undefined) return []
  if (!earlier) return [newAdoption(parts, target, policy, found, found.handle)]
  // With a lease meanwhile, it is nobody's to end.
  if (earlier.state !== 'revoked' || !isOf(parts, target, earlier)) return []
  return [reopening(parts, target, policy, found.handle, earlier)]
}

/** What another mount has made is that mount's to end, as long as there is one: after a forced end and a disabled mount nobody else would ever. */
function isOf(parts: Parts, { mount, credential }: AdoptingTarget, earlier: Lease): boolean {
  if (earlier.mount === mount.uuid) return true
  return parts.mounts.byUuid(earlier.mount) === undefined && earlier.credential === credential
}

/** Somebody has ended it before: there is nothing to wait for. Its own recipe is still there, and serves better than a plain one. */
function reopening(parts: Parts, target: AdoptingTarget, policy: 'adopt' | 'remove', handle: Json, earlier: Lease): Adoption {
  const now = parts.clock.now()
  const sealed = parts.barrier.sealJson(handlePlace(earlier.id), handle)
  const report = { name: earlier.name, lease: earlier.id, ends: now.toString() }
  const audit = [adoptionEntry(parts, target, policy, report)]
  const { id, version } = earlier
  return {
    change: {
      kind: 'lease.reopen',
      now,
      id,
      version,
      mount: target.mount.uuid,
      target: target.id,
      handle: sealed,
      cause: 'reconciled',
      audit
    },
    report
  }
}

function newAdoption(parts: Parts, target: AdoptingTarget, policy: 'adopt' | 'remove', found: Found, handle: Json): Adoption {
  const now = parts.clock.now()
  const recipe = found.recipe ?? null
  const lease = adoptedLease(parts, target, found, handle, policy === 'adopt' ? endOf(parts, target, found) : now)
  const sealed = parts.barrier.sealJson(recipePlace(lease.recipe), recipe)
  const report = { name: lease.name, lease: lease.id, ends: lease.expiresAt.toString() }
  const audit = [adoptionEntry(parts, target, policy, report)]
  return { change: { kind: 'lease.adopt', now, lease, recipe: sealed, audit }, report }
}

function adoptionEntry(parts: Parts, { id: target, mount }: AdoptingTarget, action: string, { name, lease, ends }: AdoptedReport): string {
  return parts.trail.reconciled({ action, mount: mount.path, target, name, lease_id: lease, ends })
}

/** The target's own expiry, but no later than a lease of this mount could live. What gives no access has nothing to wait for. */
function endOf(parts: Parts, { mount }: AdoptingTarget, { enabled, until }: Found): Temporal.Instant {
  const now = parts.clock.now()
  if (!enabled || !until || Temporal.Instant.compare(until, now) <= 0) return now
  const latest = now.add({ seconds: parts.mounts.ttls(mount).maxTtl })
  return Temporal.Instant.compare(until, latest) < 0 ? until : latest
}

// What is certain of something that others have made: less than of what was issued.
const guarantees: Guarantees = {
  revocable: 'eventually',
  endsSessions: false,
  diesByItself: false,
  listable: true,
  observable: 'no',
  notes: ['found in the target without a lease: what was promised of it is not known']
}

function adoptedLease(parts: Parts, target: AdoptingTarget, found: Found, handle: Json, end: Temporal.Instant): Lease {
  const now = parts.clock.now()
  const path = `${target.mount.path}adopted`
  const id = leaseId(parts, path, found)
  return {
    id,
    state: 'active',
    version: 1,
    mount: target.mount.uuid,
    path,
    role: '',
    roleVersion: 0,
    credential: target.credential,
    target: target.id,
    recipe: recipeId(parts, found.recipe ?? null),
    handle: parts.barrier.sealJson(handlePlace(id), handle),
    name: found.name,
    visible: { name: found.name },
    subject: null,
    token: '',
    accessor: '',
    displayName: 'reconcile',
    entity: '',
    remoteAddress: '',
    requestId: '',
    outlivesToken: true,
    renewable: false,
    guarantees,
    ttl: 0,
    issuedAt: now,
    expiresAt: end,
    maxExpiresAt: end,
    createBy: now,
    lastRenewal: null,
    dueAt: end,
    epoch: parts.store.node.epoch,
    // It was seen: not there means gone.
    activated: true,
    cause: Temporal.Instant.compare(end, now) <= 0 ? 'reconciled' : null,
    failures: 0,
    lastError: null,
    endedAt: null,
    revokedAt: null,
    forcedBy: null,
    outlivesUntil: null,
    usage: null
  }
}

const leasePartPattern = /^[A-Za-z0-9]{1,24}$/

/** With the random part that it had: a mark in the target goes on naming its lease. */
function leaseId(parts: Parts, path: string, { leasePart }: Found): LeaseId {
  if (leasePart === undefined || !leasePartPattern.test(leasePart)) return newLeaseId(path, parts.clock.now(), parts.random)
  return `${path}/${leasePart}` as LeaseId
}

import type { Found } from '../../contracts/index.ts'
import type { Lease } from '../../lease/lease.ts'
import type { Change } from '../../store/change.ts'
import type { Parts } from '../parts.ts'

// A server keeps its expiry in whole seconds, and two clocks stand between.
const laterMsMin = 2_000

/** After a restore: what the target ends later than its row says was renewed after the backup. The row gets that end, or the credential would be ended while somebody uses it.
 *  Gives the number of leases that were moved. */
export async function prolongRenewed(parts: Parts, found: readonly Found[]): Promise<number> {
  const untilOf = new Map(found.flatMap(({ name, enabled, until }) => (enabled && until ? [[name, until] as const] : [])))
  if (untilOf.size === 0) return 0
  const leases = await parts.store.leasesNamed([...untilOf.keys()])
  const changes = leases.flatMap(lease => prolonging(parts, lease, untilOf.get(lease.name)!))
  const results = changes.length === 0 ? [] : await parts.store.commit(changes, [])
  return results.filter(({ applied }) => applied).length
}

function prolonging(parts: Parts, lease: Lease, until: Temporal.Instant): readonly Change[] {
  if (lease.state !== 'active' || lease.cause !== null) return []
  const { id, version, maxExpiresAt: max } = lease
  const expiresAt = max !== null && Temporal.Instant.compare(max, until) < 0 ? max : until
  if (expiresAt.epochMilliseconds - lease.expiresAt.epochMilliseconds < laterMsMin) return []
  const audit = [
    parts.trail.reconciled({ action: 'prolong', target: lease.target, name: lease.name, lease_id: id, ends: expiresAt.toString() })
  ]
  return [{ kind: 'lease.prolong', now: parts.clock.now(), id, version, expiresAt, audit }]
}

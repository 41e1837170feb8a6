import { BrokerError } from '../../contracts/index.ts'
import type { Clock, MountLease, MountLeases } from '../../contracts/index.ts'
import type { Lease } from '../../lease/lease.ts'
import type { Store } from '../../store/store.ts'

// One read each, while other reads wait for their turn.
const namesMax = 500
const pageMax = 500

/** What a backend may know of the leases of its mount. */
export function mountLeases({ store, clock }: { readonly store: Store; readonly clock: Clock }, mount: string): MountLeases {
  const shown = (leases: readonly Lease[]) => leases.filter(lease => lease.mount === mount).map(lease => mountLease(lease, clock.now()))
  return {
    async named(names) {
      if (names.length > namesMax) throw new BrokerError('invalid_request', `more than ${namesMax} names at once`)
      return shown(await store.leasesNamed(names))
    },
    bySubject: async (subject, after, limit = pageMax) => shown(await store.leasesOf(mount, subject, after ?? '', Math.min(limit, pageMax)))
  }
}

function mountLease(lease: Lease, now: Temporal.Instant): MountLease {
  const { id, name, expiresAt, path, role, visible, displayName, subject, cause } = lease
  return {
    id,
    name,
    state: stateOf(lease, now),
    until: expiresAt,
    ...(cause !== null && cause !== 'expired' && { endedEarly: true }),
    path,
    role,
    visible,
    displayName,
    ...(subject === null ? {} : { subject })
  }
}

/** What is due gives no access any more, whether the sweeper has come to it or not. */
function stateOf({ state, cause, expiresAt }: Lease, now: Temporal.Instant): MountLease['state'] {
  const due = cause !== null || Temporal.Instant.compare(expiresAt, now) <= 0
  return due && state !== 'revoked' ? 'revoking' : state
}

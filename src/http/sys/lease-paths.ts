import { corePath } from '../../broker/door/core-path.ts'
import type { CorePath } from '../../broker/door/core-path.ts'
import { reachableLease } from '../../broker/leases/own-lease.ts'
import { page, pageFields } from '../../broker/door/page.ts'
import { renewLease } from '../../broker/leases/renew.ts'
import { forceRevoke, revokeLease, revokePrefix } from '../../broker/leases/revoke.ts'
import { revokeHolder } from '../../broker/leases/end-leases.ts'
import { BrokerError, field } from '../../contracts/index.ts'
import { countIrrevocable, listIrrevocable } from './irrevocable.ts'
import { leaseDetails } from './lease-details.ts'
import { leaseFields, namedHolder, namedLease, namedPrefix } from './lease-request.ts'
import { mountUuid } from './mount-uuid.ts'
import { refuseUnknown } from './refuse-unknown.ts'

const sync = { sync: field.boolean() }
const typed = { type: field.text(), limit: field.text(), include_child_namespaces: field.boolean() }

const tidied = "Tidy operation successfully started. Any information from the operation will be printed to Mayfly's server logs."

/** `sys/leases`: what was issued, and its end. Knowing an id gives no right to any of it. */
export const leasePaths: readonly CorePath[] = [
  corePath({ pattern: 'leases', summary: 'leases that do not end (type=irrevocable)', sudo: true, fields: typed, read: listIrrevocable }),
  corePath({ pattern: 'leases/count', summary: 'how many leases do not end (type=irrevocable)', fields: typed, read: countIrrevocable }),
  corePath({
    pattern: 'leases/lookup',
    summary: 'what a lease is, and who holds it',
    fields: leaseFields,
    write: async call => {
      const lease = await reachableLease(call, 'lookup', namedLease(call))
      if (!lease || lease.state === 'revoked') throw new BrokerError('invalid_lease', 'invalid lease')
      return { data: await leaseDetails(call.parts, lease) }
    }
  }),
  corePath({
    pattern: 'leases/lookup/*prefix',
    summary: 'the leases below a path, level by level',
    sudo: true,
    fields: pageFields,
    list: async ({ parts, params, fields }) => {
      const { after, limit } = page(fields)
      return { keys: await parts.store.leaseLevel(params['prefix'] ? `${params['prefix']}/` : '', after, limit) }
    }
  }),
  corePath({
    pattern: 'leases/renew/*id',
    summary: 'moves the end of a lease',
    fields: { ...leaseFields, increment: field.duration() },
    write: call => renewLease(call, namedLease(call), call.fields.increment ?? 0)
  }),
  corePath({
    pattern: 'leases/revoke/*id',
    summary: 'ends a lease',
    fields: { ...leaseFields, ...sync },
    write: call => revokeLease(call, namedLease(call), call.fields.sync ?? true)
  }),
  corePath({
    pattern: 'leases/revoke-prefix/*prefix',
    summary: 'ends every lease below a path',
    sudo: true,
    fields: sync,
    write: call => revokePrefix(call, namedPrefix(call), call.fields.sync ?? true)
  }),
  corePath({
    pattern: 'leases/revoke-holder',
    summary: 'ends everything that somebody holds: exactly one of entity, accessor, display_name; of one mount, or of all',
    sudo: true,
    fields: { entity: field.text(), accessor: field.text(), display_name: field.text(), mount: field.text(), ...sync },
    write: call => {
      refuseUnknown(call)
      const { holder, value } = namedHolder(call)
      const mount = call.fields.mount ? mountUuid(call.fields.mount, call.parts) : ''
      return revokeHolder(call, holder, value, mount, call.fields.sync ?? true)
    }
  }),
  corePath({
    pattern: 'leases/revoke-force/*prefix',
    summary: 'gives up on every lease below a path: the target is not cleaned',
    sudo: true,
    write: call => forceRevoke(call, namedPrefix(call))
  }),
  corePath({
    pattern: 'leases/tidy',
    summary: 'looks at once for what is due',
    write: async call => {
      call.afterCommit(call.parts.wake)
      return { status: 202, warnings: [tidied] }
    }
  })
]

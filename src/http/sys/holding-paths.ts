import { corePath } from '../../broker/door/core-path.ts'
import type { Call, CorePath } from '../../broker/door/core-path.ts'
import { page, pageFields } from '../../broker/door/page.ts'
import type { Outcome } from '../../broker/door/request.ts'
import { field } from '../../contracts/index.ts'
import type { LeaseId, z } from '../../contracts/index.ts'
import type { HoldingsFilter } from '../../store/store.ts'
import { leaseDetails } from './lease-details.ts'
import { mountUuid } from './mount-uuid.ts'
import { refuseUnknown } from './refuse-unknown.ts'

const filters = {
  ...pageFields,
  id: field.text(),
  accessor: field.text(),
  display_name: field.text(),
  entity_id: field.text(),
  target: field.text(),
  mount: field.text(),
  role: field.text(),
  ended: field.boolean()
}

type HoldingsCall = Call<z.output<z.ZodObject<typeof filters>>>

// Each is a whole lease with its guarantees: a page of these is a few megabytes at most.
const shownMax = 1_000

/** `sys/holdings`: who holds what, and with `ended` who held it. On the wire this is in no single place. */
export const holdingPaths: readonly CorePath[] = [
  corePath({ pattern: 'holdings', summary: 'who holds what', fields: filters, read: holdings })
]

async function holdings(call: HoldingsCall): Promise<Outcome> {
  refuseUnknown(call)
  if (call.fields.id) return one(call, call.fields.id)
  const { after, limit } = page(call.fields)
  const size = Math.min(limit, shownMax)
  const leases = await call.parts.store.holdings(filterOf(call), after, size)
  const shown = await Promise.all(leases.map(lease => leaseDetails(call.parts, lease)))
  const last = leases.at(-1)
  return { data: { holdings: shown, next: last && leases.length === size ? last.id : null } }
}

/** One lease, whether it lives or has ended; 404 when there was none. */
async function one({ parts }: HoldingsCall, id: string): Promise<Outcome> {
  const lease = await parts.store.lease(id as LeaseId)
  return lease && { data: { holdings: [await leaseDetails(parts, lease)], next: null } }
}

function filterOf({ parts, fields }: HoldingsCall): HoldingsFilter {
  const { accessor, display_name: displayName, entity_id: entity, target, role, ended } = fields
  const said = { accessor, displayName, entity, target, role, ended, mount: fields.mount && mountUuid(fields.mount, parts) }
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined && value !== ''))
}

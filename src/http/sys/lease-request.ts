import { BrokerError, field } from '../../contracts/index.ts'
import type { Holder } from '../../store/change.ts'
import type { Call } from '../../broker/door/core-path.ts'

/** The id in the body. */
export const leaseFields = { lease_id: field.text() }

/** The one lease that a call means. The body and the URL may both name it; two different ids are refused, because the policy saw only one of them. */
export function namedLease(call: Call<{ lease_id?: string | undefined }>): string {
  const inUrl = call.params['id'] ?? ''
  const inBody = call.fields.lease_id ?? ''
  if (inUrl !== '' && inBody !== '' && inUrl !== inBody)
    throw new BrokerError('invalid_request', 'lease_id names another lease than the path')
  const id = inBody || inUrl
  if (id === '') throw new BrokerError('invalid_request', 'lease_id must be specified')
  return id
}

interface HolderFields {
  readonly entity?: string | undefined
  readonly accessor?: string | undefined
  readonly display_name?: string | undefined
}

/** Whose leases a call means. Two names at once would be a guess at which of both is meant; none would be everybody. */
export function namedHolder({ fields }: Call<HolderFields>): { readonly holder: Holder; readonly value: string } {
  const said = (['entity', 'accessor', 'display_name'] as const).flatMap(holder => {
    const value = fields[holder] ?? ''
    return value === '' ? [] : [{ holder, value }]
  })
  const [one, other] = said
  if (!one || other) throw new BrokerError('invalid_request', 'exactly one of entity, accessor and display_name must be specified')
  return one
}

/** What `revoke-prefix` and `revoke-force` are aimed at. Nothing at all would be every lease there is. */
export function namedPrefix(call: Call<unknown>): string {
  const prefix = call.params['prefix'] ?? ''
  if (prefix === '') throw new BrokerError('invalid_request', 'prefix must be specified')
  return prefix
}

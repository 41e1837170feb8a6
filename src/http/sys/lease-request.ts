import { BrokerError, field } from '../../contracts/index.ts'
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

/** What `revoke-prefix` and `revoke-force` are aimed at. Nothing at all would be every lease there is. */
export function namedPrefix(call: Call<unknown>): string {
  const prefix = call.params['prefix'] ?? ''
  if (prefix === '') throw new BrokerError('invalid_request', 'prefix must be specified')
  return prefix
}

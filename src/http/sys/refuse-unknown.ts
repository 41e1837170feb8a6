import type { Call } from '../../broker/door/core-path.ts'
import { BrokerError } from '../../contracts/index.ts'

/** On the wire's paths a field that nobody knows is ignored. On Mayfly's own a misspelled filter would answer another question than was asked. */
export function refuseUnknown({ request, given }: Call<unknown>): void {
  const unknown = Object.keys(request.data).filter(name => !given.has(name) && request.data[name] !== null && name !== 'list')
  if (unknown.length > 0)
    throw new BrokerError(
      'invalid_request',
      `unknown field: ${unknown.filter(name => /^[a-z_]{1,40}$/.test(name)).join(', ') || '(not shown)'}`
    )
}

import { corePath } from '../../broker/door/core-path.ts'
import type { Call, CorePath } from '../../broker/door/core-path.ts'
import type { Outcome } from '../../broker/door/request.ts'
import { lookupWrapped, rewrap, unwrap } from '../../broker/wrapping/unwrap.ts'
import { BrokerError, field } from '../../contracts/index.ts'

const token = { token: field.text() }

/** `sys/wrapping`: replies that wait for their one opening. */
export const wrappingPaths: readonly CorePath[] = [
  corePath({ pattern: 'wrapping/wrap', summary: 'wraps what it is sent', write: wrapSent }),
  corePath({ pattern: 'wrapping/unwrap', summary: 'opens a wrapped reply, once', fields: token, write: unwrap }),
  corePath({
    pattern: 'wrapping/lookup',
    summary: 'where a wrapped reply came from',
    open: true,
    fields: token,
    read: lookupWrapped,
    write: lookupWrapped
  }),
  corePath({ pattern: 'wrapping/rewrap', summary: 'a new token for a wrapped reply', fields: token, write: rewrap })
]

/** Its reply would be the body itself: all of it, whatever its names. */
async function wrapSent({ request }: Call<unknown>): Promise<Outcome> {
  if (!request.wrapSeconds) throw new BrokerError('invalid_request', 'endpoint requires response wrapping to be used')
  return { reply: { status: 200, data: request.data } }
}

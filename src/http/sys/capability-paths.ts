import { listed } from '../../broker/door/authorize.ts'
import { corePath } from '../../broker/door/core-path.ts'
import type { Call, CorePath } from '../../broker/door/core-path.ts'
import { liveToken, liveTokenByAccessor } from '../../broker/door/live-token.ts'
import type { Outcome } from '../../broker/door/request.ts'
import { BrokerError, field } from '../../contracts/index.ts'
import type { Acl } from '../../policy/acl.ts'
import { capabilitiesAt } from '../../policy/capabilities-at.ts'
import type { Token } from '../../store/token.ts'

const paths = { paths: field.commaList(), path: field.commaList() }

interface Asked {
  readonly paths?: readonly string[] | undefined
  readonly path?: readonly string[] | undefined
}

/** What a token may do at some paths: the one who asks, or another that it can show or name. */
export const capabilityPaths: readonly CorePath[] = [
  corePath({
    pattern: 'capabilities-self',
    summary: 'what the caller may do',
    // Some clients send their token once more.
    fields: { ...paths, token: field.text() },
    write: async call => answer(call.fields, call.identity.acl)
  }),
  corePath({
    pattern: 'capabilities',
    summary: 'what a token may do',
    fields: { ...paths, token: field.text() },
    write: async call => answer(call.fields, aclOf(call, await liveToken(call.parts, call.fields.token ?? ''), 'invalid token'))
  }),
  corePath({
    pattern: 'capabilities-accessor',
    summary: 'what the token of an accessor may do',
    fields: { ...paths, accessor: field.text() },
    write: async call =>
      answer(call.fields, aclOf(call, await liveTokenByAccessor(call.parts, call.fields.accessor ?? ''), 'invalid accessor'))
  })
]

function aclOf({ parts }: Call<unknown>, token: Token | undefined, otherwise: string): Acl {
  if (!token) throw new BrokerError('invalid_request', listed(otherwise))
  return parts.policies.acl(token.policies)
}

/** One key per path; and `capabilities` where just one path was asked. */
function answer(asked: Asked, acl: Acl): Outcome {
  const all = asked.paths?.length ? asked.paths : (asked.path ?? [])
  if (all.length === 0) throw new BrokerError('invalid_request', 'paths must be supplied')
  const found = Object.fromEntries(all.map(path => [path, capabilitiesAt(acl, path)]))
  return { data: all.length === 1 ? { ...found, capabilities: capabilitiesAt(acl, all[0]!) } : found }
}

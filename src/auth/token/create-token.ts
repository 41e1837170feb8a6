import { authBlock } from '../../broker/login/auth-block.ts'
import { tokenHash } from '../../broker/door/authenticate.ts'
import type { Call } from '../../broker/door/core-path.ts'
import type { Outcome } from '../../broker/door/request.ts'
import { field } from '../../contracts/index.ts'
import type { z } from '../../contracts/index.ts'
import { planToken } from '../../identity/plan-token.ts'
import { tokenText } from '../../identity/token-text.ts'
import type { TokenMaker, TokenRequest } from '../../identity/token-request.ts'
import { randomBase62 } from '../../lease/base62.ts'
import { decide } from '../../policy/decide.ts'
import type { Token } from '../../store/token.ts'
import { tokenTtls } from './token-ttls.ts'

export const createFields = {
  id: field.text(),
  policies: field.list(),
  meta: field.map(),
  no_parent: field.boolean(),
  no_default_policy: field.boolean(),
  renewable: field.boolean(),
  ttl: field.duration(),
  /** The old name of `ttl`. */
  lease: field.duration(),
  explicit_max_ttl: field.duration(),
  period: field.duration(),
  display_name: field.text(),
  num_uses: field.integer(),
  type: field.text(),
  entity_alias: field.text(),
  token_bound_cidrs: field.commaList()
}

type CreateCall = Call<z.output<z.ZodObject<typeof createFields>>>

/** Makes a token below the caller's, or an orphan. The row and its audit entries are one commit; there the parent and its ancestors must still live. */
export async function createToken(call: CreateCall, orphanByPath: boolean): Promise<Outcome> {
  const { parts } = call
  const request = tokenRequest(call.fields, orphanByPath)
  const { token: planned, warnings } = planToken(request, maker(call), tokenTtls(parts), parts.clock.now())
  const secret = request.id === '' ? tokenText(parts.random) : request.id
  const token: Token = { ...planned, hash: tokenHash(parts, secret), accessor: randomBase62(parts.random, 24), path: call.request.path }
  call.change({ kind: 'token.create', token })
  return { auth: authBlock(token, secret, token.creationTtl), warnings: [...warnings, ...missingPolicies(call, token)] }
}

function maker({ identity, request }: CreateCall): TokenMaker {
  if (!identity.token) throw new Error('a token is made by a token')
  return {
    token: identity.token,
    sudo: decide(identity.acl, { path: request.path, capability: 'update', sudo: true, parameters: request.data }).allowed
  }
}

function tokenRequest(fields: CreateCall['fields'], orphanByPath: boolean): TokenRequest {
  return {
    id: fields.id ?? '',
    policies: fields.policies ?? [],
    noDefaultPolicy: fields.no_default_policy ?? false,
    meta: fields.meta ?? {},
    displayName: fields.display_name ?? '',
    orphanByPath,
    noParent: fields.no_parent ?? false,
    renewable: fields.renewable ?? true,
    ttl: fields.ttl ?? fields.lease ?? 0,
    explicitMaxTtl: fields.explicit_max_ttl ?? 0,
    period: fields.period ?? 0,
    uses: fields.num_uses ?? 0,
    boundCidrs: fields.token_bound_cidrs ?? [],
    type: fields.type ?? '',
    entityAlias: fields.entity_alias ?? ''
  }
}

/** A name without a policy gives nothing until there is one. */
function missingPolicies({ parts }: CreateCall, token: Token): readonly string[] {
  return token.policies.filter(name => !parts.policies.has(name)).map(name => `Policy "${name}" does not exist`)
}

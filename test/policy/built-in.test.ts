import { expect, test } from 'vitest'
import { compileAcl } from '../../src/policy/acl.ts'
import { defaultPolicyText, rootPolicy } from '../../src/policy/built-in.ts'
import { capabilitiesAt } from '../../src/policy/capabilities-at.ts'
import { decide } from '../../src/policy/decide.ts'
import { parsePolicy } from '../../src/policy/parse-policy.ts'
import { rules } from './acl-of.ts'

const policy = parsePolicy('default', defaultPolicyText)
const acl = compileAcl([policy])
const lease = 'database/creds/app/PcMyBdsvGGWdgK8x0hCJbC2r'

test.each([
  ['auth/token/lookup-self', ['read']],
  ['auth/token/renew-self', ['update']],
  ['auth/token/revoke-self', ['update']],
  ['sys/capabilities-self', ['update']],
  ['sys/internal/ui/resultant-acl', ['read']],
  ['sys/leases/lookup', ['update']],
  ['sys/leases/renew', ['update']],
  ['sys/leases/revoke', ['update']],
  ['cubbyhole/x', ['create', 'delete', 'list', 'read', 'update']],
  ['sys/wrapping/wrap', ['update']],
  ['sys/wrapping/lookup', ['update']],
  ['sys/wrapping/unwrap', ['update']],
  ['sys/tools/hash', ['update']],
  ['sys/tools/hash/sha2-512', ['update']]
])('default gives at %s: %j', (path, capabilities) => {
  expect(capabilitiesAt(acl, path)).toEqual(capabilities)
})

test.each([
  'auth/token/lookup',
  'auth/token/create',
  'sys/leases/lookup/database/',
  'sys/leases/revoke-prefix/database',
  'sys/policies/acl/default',
  'sys/mounts',
  'database/creds/app',
  'identity/entity/id/x'
])('default gives nothing at %s', path => {
  expect(capabilitiesAt(acl, path)).toEqual(['deny'])
})

test('a lease of somebody else needs a rule that names it', () => {
  for (const verb of ['lookup', 'renew', 'revoke']) {
    const question = { path: `sys/leases/${verb}/${lease}`, capability: 'update' } as const
    expect(decide(acl, question).allowed).toBe(false)
    const named = parsePolicy('ops', rules({ [`sys/leases/${verb}/database/creds/app/*`]: ['update'] }))
    expect(decide(compileAcl([policy, named]), question)).toMatchObject({ allowed: true, policies: ['ops'] })
    expect(decide(compileAcl([rootPolicy]), question).allowed).toBe(true)
  }
})

test('default gives the caller its own entity once the caller has one', () => {
  const bob = compileAcl([policy], reference => (reference === 'identity.entity.id' ? '0f-1' : undefined))
  expect(capabilitiesAt(bob, 'identity/entity/id/0f-1')).toEqual(['read'])
  expect(capabilitiesAt(bob, 'identity/entity/id/0f-2')).toEqual(['deny'])
})

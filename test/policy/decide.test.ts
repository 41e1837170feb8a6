import { expect, test } from 'vitest'
import { compileAcl } from '../../src/policy/acl.ts'
import { rootPolicy } from '../../src/policy/built-in.ts'
import type { Question } from '../../src/policy/decide.ts'
import { decide } from '../../src/policy/decide.ts'
import { explain } from '../../src/policy/explain.ts'
import { parsePolicy } from '../../src/policy/parse-policy.ts'
import { aclOf, rules } from './acl-of.ts'

const verbs = ['create', 'read', 'update', 'patch', 'delete', 'list', 'scan'] as const

test('each capability grants its verb and no other', () => {
  for (const granted of verbs) {
    const acl = aclOf(rules({ a: [granted] }))
    expect(verbs.filter(capability => decide(acl, { path: 'a', capability }).allowed)).toEqual([granted])
  }
})

test('a rule without capabilities denies what a wider rule grants', () => {
  const acl = aclOf(rules({ '*': ['read'], a: [] }))
  expect(decide(acl, { path: 'a', capability: 'read' })).toMatchObject({
    allowed: false,
    reason: 'the rule lacks the capability',
    policies: ['one']
  })
})

test('sudo is asked in addition to the capability, and gives no verb by itself', () => {
  const question = { path: 'sys/audit', capability: 'read', sudo: true } as const
  expect(decide(aclOf(rules({ 'sys/audit': ['read'] })), question)).toMatchObject({ allowed: false, reason: 'the rule lacks sudo' })
  expect(decide(aclOf(rules({ 'sys/audit': ['sudo'] })), question)).toMatchObject({
    allowed: false,
    reason: 'the rule lacks the capability'
  })
  expect(decide(aclOf(rules({ 'sys/audit': ['read', 'sudo'] })), question).allowed).toBe(true)
})

test('sudo and the capability come from one rule, never from two that match', () => {
  const acl = aclOf(rules({ 'sys/*': ['read', 'sudo'] }), rules({ 'sys/audit': ['read'] }))
  expect(decide(acl, { path: 'sys/audit', capability: 'read', sudo: true }).allowed).toBe(false)
})

test('a verb of the inside or of tomorrow is denied', () => {
  const acl = aclOf(rules({ '*': ['create', 'read', 'update', 'patch', 'delete', 'list', 'scan', 'sudo'] }))
  for (const verb of ['revoke', 'renew', 'rollback', 'alias-lookahead', 'root', '', 'constructor', 'READ']) {
    expect(decide(acl, { path: 'a', capability: verb as Question['capability'] }).allowed).toBe(false)
  }
})

test('the leading slash of a request is dropped, so it is no way round a deny', () => {
  const acl = aclOf(rules({ '*': ['read'], 'secret/a': ['deny'] }))
  expect(decide(acl, { path: '/secret/a', capability: 'read' })).toMatchObject({ allowed: false, rule: 'secret/a' })
})

test('root passes everything, and only alone', () => {
  const root = compileAcl([rootPolicy])
  for (const capability of verbs)
    expect(decide(root, { path: 'sys/seal', capability, sudo: true })).toMatchObject({ allowed: true, policies: ['root'] })
  expect(() => compileAcl([rootPolicy, parsePolicy('app', '')])).toThrow(expect.objectContaining({ code: 'integrity' }))
})

test.each([
  [{ path: 'a', capability: 'read' }, 'a of one: allowed'],
  [{ path: 'a', capability: 'delete' }, 'a of one: the rule lacks the capability'],
  [{ path: 'a', capability: 'update' }, 'a of one: a required parameter is missing (ttl)'],
  [{ path: 'b/c', capability: 'read' }, 'b/* of one, two: the rule denies'],
  [{ path: 'z', capability: 'read' }, 'no rule matches']
] as const)('%j is explained as %s', (question, sentence) => {
  const text = 'path "a" { capabilities = ["read", "update"] required_parameters = ["ttl"] } path "b/*" { policy = "deny" }'
  const acl = aclOf(text, rules({ 'b/*': ['deny'] }))
  const parameters = question.path === 'a' && question.capability === 'read' ? { ttl: '1h' } : {}
  expect(explain(decide(acl, { ...question, parameters }))).toBe(sentence)
})

test('a wide allow and a narrow deny: denied for LIST, however it is asked, and for PATCH', () => {
  const acl = aclOf(
    rules({ 'secret/*': ['read', 'list', 'patch', 'update'] }),
    rules({ 'secret/private': ['deny'], 'secret/hidden/*': ['deny'] })
  )
  for (const path of ['secret/private', 'secret/private/', 'secret/hidden/', 'secret/hidden/x/']) {
    expect(decide(acl, { path, capability: 'list' }).allowed).toBe(false)
  }
  for (const path of ['secret/private', 'secret/hidden/x']) expect(decide(acl, { path, capability: 'patch' }).allowed).toBe(false)
})

test('reading roles is no way to issue', () => {
  const acl = aclOf(rules({ 'database/roles/*': ['read'] }))
  expect(decide(acl, { path: 'database/roles/app', capability: 'read' }).allowed).toBe(true)
  for (const path of ['database/creds/app', 'database/static-creds/app', 'database/config/app', 'database/roles']) {
    for (const capability of verbs) expect(decide(acl, { path, capability }).allowed).toBe(false)
  }
})

test('updating ssh/sign cannot touch the CA or the roles', () => {
  const acl = aclOf(rules({ 'ssh/sign/*': ['update'] }))
  for (const path of ['ssh/config/ca', 'ssh/roles/admin']) {
    for (const capability of verbs) expect(decide(acl, { path, capability }).allowed).toBe(false)
  }
})

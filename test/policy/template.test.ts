import { expect, test } from 'vitest'
import { compileAcl } from '../../src/policy/acl.ts'
import { decide } from '../../src/policy/decide.ts'
import { parsePolicy } from '../../src/policy/parse-policy.ts'
import { rules } from './acl-of.ts'

const readable = (acl: ReturnType<typeof compileAcl>, path: string) => decide(acl, { path, capability: 'read' }).allowed

test('a template takes the value of the caller', () => {
  const policy = parsePolicy('app', rules({ 'secret/{{ identity.entity.name }}/{{identity.entity.metadata.team}}*': ['read'] }))
  const values = new Map([
    ['identity.entity.name', 'bob'],
    ['identity.entity.metadata.team', 'a$&b']
  ])
  const acl = compileAcl([policy], reference => values.get(reference))
  expect(['secret/bob/a$&b', 'secret/bob/a$&b/c', 'secret/eve/a$&b', 'secret/bob/a'].map(path => readable(acl, path))).toEqual([
    true,
    true,
    false,
    false
  ])
})

test('without a value the whole rule is dropped', () => {
  const policy = parsePolicy('app', rules({ 'secret/{{identity.entity.name}}*': ['read'] }))
  for (const acl of [compileAcl([policy]), compileAcl([policy], () => undefined), compileAcl([policy], () => '')]) {
    for (const path of ['secret/', 'secret/bob', 'secret/{{identity.entity.name}}']) expect(readable(acl, path)).toBe(false)
  }
})

test.each(['*', '+', 'a/b', 'a,root', 'a*', '..', '.', '', 'a\\b', '{{identity.entity.id}}', 'a\nb', '\ud800'])(
  'the identity value %j widens no grant',
  value => {
    const policy = parsePolicy('app', rules({ 'secret/{{identity.entity.name}}/*': ['read'], 'other/{{identity.entity.name}}': ['read'] }))
    const acl = compileAcl([policy], () => value)
    for (const path of ['secret/bob/x', 'secret/a/b/x', `secret/${value}/x`, 'other/bob', 'other/a', `other/${value}`]) {
      expect(readable(acl, path)).toBe(false)
    }
  }
)

test('two templates that become one path are united, deny first', () => {
  const policy = parsePolicy('app', rules({ 'secret/{{identity.entity.name}}': ['read'], 'secret/{{identity.entity.id}}': ['deny'] }))
  expect(
    readable(
      compileAcl([policy], () => 'same'),
      'secret/same'
    )
  ).toBe(false)
})

test.each([
  'identity.entity.id',
  'identity.entity.metadata.a.b',
  'identity.entity.aliases.auth_userpass_1a2b.name',
  'identity.entity.aliases.auth_userpass_1a2b.custom_metadata.k',
  'identity.groups.ids.0f-1.name',
  'identity.groups.names.ops/eu.id'
])('the reference %s is known', reference => {
  const policy = parsePolicy('app', rules({ [`secret/{{${reference}}}`]: ['read'] }))
  expect(
    readable(
      compileAcl([policy], asked => (asked === reference ? 'v' : undefined)),
      'secret/v'
    )
  ).toBe(true)
})

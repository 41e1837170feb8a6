import { expect, test } from 'vitest'
import { compileAcl } from '../../src/policy/acl.ts'
import { rootPolicy } from '../../src/policy/built-in.ts'
import { capabilitiesAt } from '../../src/policy/capabilities-at.ts'
import { reaches } from '../../src/policy/reaches.ts'
import { resultantAcl } from '../../src/policy/resultant-acl.ts'
import { aclOf, rules } from './acl-of.ts'

const acl = aclOf(
  rules({
    'secret/*': ['update', 'read', 'sudo', 'create', 'scan', 'patch', 'list', 'delete'],
    'secret/no': ['deny'],
    'aws/+/x': ['read'],
    'k/+/y*': ['list']
  }),
  rules({ 'empty/*': [], 'db/creds/app': ['read'], 'gone/*': ['deny'] })
)

test('capabilities come in alphabetical order', () => {
  expect(capabilitiesAt(acl, 'secret/a')).toEqual(['create', 'delete', 'list', 'patch', 'read', 'scan', 'sudo', 'update'])
})

test('denied, granted nothing and never mentioned are all deny; root is root', () => {
  for (const path of ['secret/no', 'empty/x', 'else']) expect(capabilitiesAt(acl, path)).toEqual(['deny'])
  expect(capabilitiesAt(compileAcl([rootPolicy]), 'secret/no')).toEqual(['root'])
})

test('with a trailing slash the answer is that of a list', () => {
  expect(capabilitiesAt(acl, 'secret/no/')).toEqual(['deny'])
  expect(capabilitiesAt(acl, '/db/creds/app/')).toEqual(['read'])
})

test('the resultant ACL shows every path, globs without their star', () => {
  const shown = resultantAcl(aclOf(rules({ 'a/*': ['read'], 'a/+/b*': ['list', 'create'], c: ['deny'], __proto__x: [] })))
  expect(shown).toEqual({
    root: false,
    exact_paths: { c: { capabilities: ['deny'] }, __proto__x: { capabilities: ['deny'] } },
    glob_paths: { 'a/': { capabilities: ['read'] }, 'a/+/b': { capabilities: ['create', 'list'] } }
  })
  expect(resultantAcl(compileAcl([rootPolicy]))).toEqual({ root: true })
})

test('a path named __proto__ is a path like any other', () => {
  const shown = resultantAcl(aclOf('path "__proto__" { capabilities = ["read"] }'))
  expect(JSON.stringify(shown)).toContain('"__proto__":{"capabilities":["read"]}')
})

test.each([
  ['secret/', true],
  ['aws/', true],
  ['aws/a/', true],
  ['aws/a/x/', true],
  ['aws/a/x/y/', false],
  ['aws/a/b/', false],
  ['k/a/', true],
  ['db/', true],
  ['db/creds/', true],
  ['db/roles/', false],
  ['empty/', false],
  ['gone/', false],
  ['else/', false],
  ['d/', false]
])('something can be reached below %s: %s', (path, expected) => {
  expect(reaches(acl, path)).toBe(expected)
  expect(reaches(compileAcl([rootPolicy]), path)).toBe(true)
})

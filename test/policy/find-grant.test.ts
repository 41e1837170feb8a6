import { expect, test } from 'vitest'
import type { Question } from '../../src/policy/decide.ts'
import { decide } from '../../src/policy/decide.ts'
import { aclOf, rules } from './acl-of.ts'

type Row = readonly [
  why: string,
  written: Record<string, string[]>,
  capability: Question['capability'],
  path: string,
  winner: string,
  allowed: boolean
]

const table: readonly Row[] = [
  [
    'an exact rule wins',
    { 'database/creds/*': ['read'], 'database/creds/admin': ['deny'] },
    'read',
    'database/creds/admin',
    'database/creds/admin',
    false
  ],
  [
    'the longest prefix wins, and nothing is merged',
    { 'database/*': ['read', 'update'], 'database/creds/*': ['read'] },
    'update',
    'database/creds/x',
    'database/creds/*',
    false
  ],
  [
    'at the same position the one that ends in * ranks lower',
    { 'secret/*': ['read'], 'secret/+/team': ['deny'] },
    'read',
    'secret/a/team',
    'secret/+/team',
    false
  ],
  [
    'a wildcard that stands later ranks higher',
    { 'secret/data/*': ['read'], 'secret/+/app': ['deny'] },
    'read',
    'secret/data/app',
    'secret/data/*',
    true
  ],
  [
    'ending in * comes before the number of +',
    { 'secret/+/+/b': ['read'], 'secret/+/a/*': ['deny'] },
    'read',
    'secret/x/a/b',
    'secret/+/+/b',
    true
  ],
  ['fewer + rank higher', { 'a/+/+/d': ['deny'], 'a/+/c/d': ['read'] }, 'read', 'a/b/c/d', 'a/+/c/d', true],
  ['longer ranks higher', { 'a/+/c*': ['deny'], 'a/+/cc*': ['read'] }, 'read', 'a/b/ccx', 'a/+/cc*', true],
  [
    'at last the order of the alphabet decides',
    { 'secret/+/+/b': ['deny'], 'secret/+/a/+': ['read'] },
    'read',
    'secret/x/a/b',
    'secret/+/a/+',
    true
  ],
  ['a list finds the exact rule without the slash', { 'secret/team': ['list'] }, 'list', 'secret/team/', 'secret/team', true],
  [
    'a list is denied by a rule for either spelling',
    { 'secret/*': ['list'], 'secret/+': ['deny'] },
    'list',
    'secret/foo/',
    'secret/+',
    false
  ],
  [
    'a list is denied by the exact rule with the slash',
    { 'secret/team': ['list'], 'secret/team/': ['deny'] },
    'list',
    'secret/team/',
    'secret/team/',
    false
  ],
  [
    'a list is denied by the exact rule without the slash',
    { 'secret/team': ['deny'], 'secret/team/': ['list'] },
    'list',
    'secret/team/',
    'secret/team',
    false
  ],
  [
    'a list by its exact rule passes a wide deny',
    { 'secret/*': ['deny'], 'secret/team': ['list'] },
    'list',
    'secret/team/',
    'secret/team',
    true
  ],
  ['a leading slash of a rule is dropped', { '/secret/a': ['read'] }, 'read', 'secret/a', 'secret/a', true],
  ['* in the middle is a plain character', { 'secret/*/a': ['read'] }, 'read', 'secret/*/a', 'secret/*/a', true],
  ['+ inside a segment is a plain character', { 'secret/a+b': ['read'] }, 'read', 'secret/a+b', 'secret/a+b', true],
  ['a prefix need not end at a segment', { 'secret/te*': ['read'] }, 'read', 'secret/team', 'secret/te*', true],
  ['* alone covers everything', { '*': ['read'] }, 'read', 'sys/health', '*', true],
  ['+ alone covers one segment', { '+': ['read'] }, 'read', 'sys', '+', true]
]

test.each(table)('%s', (_why, written, capability, path, winner, allowed) => {
  const decision = decide(aclOf(rules(written)), { path, capability })
  expect(decision).toMatchObject({ allowed, rule: winner })
})

test('the order in which rules are written means nothing', () => {
  for (const [, written, capability, path, winner] of table) {
    const backwards = Object.fromEntries(Object.entries(written).toReversed())
    expect(decide(aclOf(rules(backwards)), { path, capability })).toMatchObject({ rule: winner })
  }
})

test.each([
  ['secret/*/a', 'secret/b/a'],
  ['secret/a+b', 'secret/axb'],
  ['secret/+/b', 'secret/a/a/b'],
  ['secret/+/b', 'secret/a/b/c'],
  ['secret/+/b/*', 'secret/a/b'],
  ['+', 'secret/a'],
  ['secret/a', 'secret/ab'],
  ['secret/a', 'SECRET/a'],
  ['secret/*', 'secret']
])('%s does not cover %s', (rule, path) => {
  expect(decide(aclOf(rules({ [rule]: ['read'] })), { path, capability: 'read' })).toEqual({
    allowed: false,
    reason: 'no rule matches',
    policies: []
  })
})

test('a list is one question however it is spelled', () => {
  const acl = aclOf(rules({ 'secret/*': ['list', 'read'], 'secret/foo': ['deny'], 'secret/bar/': ['deny'] }))
  for (const path of ['secret/foo', 'secret/foo/', 'secret/bar', 'secret/bar/']) {
    expect(decide(acl, { path, capability: 'list' })).toMatchObject({ allowed: false, reason: 'the rule denies' })
  }
})

test('nothing found is denied', () => {
  expect(decide(aclOf(), { path: 'secret/a', capability: 'read' })).toMatchObject({ allowed: false, reason: 'no rule matches' })
})

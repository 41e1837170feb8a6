import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { BrokerError } from '../../src/contracts/errors.ts'
import { assignablePolicyName, normalisePolicyName } from '../../src/policy/policy-name.ts'

const refused = expect.objectContaining({ code: 'invalid_request' })

test.each([
  ['app', 'app'],
  ['App-Team_2.ro', 'app-team_2.ro'],
  ['_x', '_x'],
  ['root', 'root'],
  ['default', 'default'],
  ['Team/Shop', 'team/shop'],
  ['a/root', 'a/root'],
  ['a'.repeat(128), 'a'.repeat(128)]
])('%s is the policy %s', (name, canonical) => {
  expect(normalisePolicyName(name)).toBe(canonical)
})

test.each([
  'Root',
  'ROOT',
  ' root',
  'root ',
  'root\u00a0',
  'root\n',
  'root\0',
  'ｒｏｏｔ',
  'rооt',
  'root\u200b',
  'Response-Wrapping',
  '',
  ' ',
  '.',
  '..',
  'a.',
  '-a',
  'a-',
  '/',
  '/a',
  'a/',
  'a//b',
  'a/../root',
  'a/./b',
  'a/.b',
  'root/\u00a0',
  'a b',
  'a+',
  '*',
  'é',
  '\u212aey',
  'ﬁ',
  'a,root',
  'a'.repeat(129),
  'a/'.repeat(64) + 'a'
])('%j is no name', name => {
  expect(() => normalisePolicyName(name)).toThrow(refused)
})

test.each(['root', 'Root', 'ROOT', ' root', 'response-wrapping'])('%j cannot be assigned', name => {
  expect(() => assignablePolicyName(name)).toThrow(refused)
})

test('an ordinary name can be assigned', () => {
  expect(assignablePolicyName('Default')).toBe('default')
})

test('a name is a refusal or its own canonical form, in one alphabet', () => {
  const nearlyNames = fc.string({
    unit: fc.constantFrom('a', 'Z', '0', '_', '-', '.', ' ', '/', '*', '+', 'é', 'Ａ', '\u212a', '\0', '\n'),
    maxLength: 6
  })
  fc.assert(
    fc.property(fc.oneof(nearlyNames, fc.string({ unit: 'binary' })), name => {
      try {
        const canonical = normalisePolicyName(name)
        expect(canonical).toMatch(/^[a-z0-9_./-]{1,128}$/)
        expect(canonical.split('/').filter(part => part === '' || part.startsWith('.'))).toEqual([])
        expect(normalisePolicyName(canonical)).toBe(canonical)
      } catch (error) {
        expect(error).toBeInstanceOf(BrokerError)
        expect((error as BrokerError).message).toMatch(
          /^(?:a policy name has characters outside|the policy (?:root|response-wrapping) is spelled)/
        )
      }
    }),
    { numRuns: 2_000 }
  )
})

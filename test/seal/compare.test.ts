import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { sameSecret } from '../../src/seal/compare.ts'

test('two secrets are the same exactly when all their bytes are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.uint8Array({ maxLength: 80 }), (one, other) => {
      expect(sameSecret(one, one.slice())).toBe(true)
      expect(sameSecret(one, other)).toBe(Buffer.from(one).equals(other))
    })
  )
})

test('secrets of different lengths are compared without a throw', () => {
  expect(sameSecret('hvs.abc', 'hvs.ab')).toBe(false)
  expect(sameSecret('', 'a')).toBe(false)
  expect(sameSecret('', '')).toBe(true)
})

test('a text is the same as its bytes', () => {
  expect(sameSecret('schlüssel', Buffer.from('schlüssel'))).toBe(true)
})

import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { invert, multiply } from '../../src/seal/gf256.ts'
import { shamirConfig } from '../../src/seal/shamir-config.ts'
import { combine, split } from '../../src/seal/shamir.ts'
import { systemRandom } from '../../src/system-clock.ts'

const secrets = fc.uint8Array({ minLength: 1, maxLength: 32 })
const configs = fc
  .integer({ min: 2, max: 12 })
  .chain(shares => fc.record({ shares: fc.constant(shares), threshold: fc.integer({ min: 2, max: shares }) }))

/** The same field from its definition: shift and add, then long division by x^8 + x^4 + x^3 + x + 1. */
function multiplyByDefinition(a: number, b: number): number {
  let product = 0
  for (let bit = 0; bit < 8; bit++) if (b & (1 << bit)) product ^= a << bit
  for (let bit = 15; bit >= 8; bit--) if (product & (1 << bit)) product ^= 0x11b << (bit - 8)
  return product
}

test('multiplication gives the published products', () => {
  // FIPS 197 §4.2 and §4.2.1.
  expect(multiply(0x57, 0x83)).toBe(0xc1)
  expect([0x02, 0x04, 0x08, 0x10, 0x13].map(by => multiply(0x57, by))).toEqual([0xae, 0x47, 0x8e, 0x07, 0xfe])
  // The tests of Vault's shamir package.
  expect([multiply(3, 7), multiply(3, 0), multiply(0, 3)]).toEqual([9, 0, 0])
})

test('inversion gives the published inverses', () => {
  // FIPS 197 §5.1.1, undone by its affine map: the S-box of 0x53 is 0xed, whose inverse is 0xca.
  expect([invert(0x53), invert(0xca)]).toEqual([0xca, 0x53])
  // The divisions in the tests of Vault's shamir package.
  expect([multiply(0, invert(7)), multiply(3, invert(3)), multiply(6, invert(3))]).toEqual([0, 1, 2])
})

test('multiplication is that of the field for all 65,536 pairs', () => {
  const wrong = Array.from({ length: 65_536 }, (_, pair) => [pair >> 8, pair & 255] as const).filter(
    ([a, b]) => multiply(a, b) !== multiplyByDefinition(a, b)
  )
  expect(wrong).toEqual([])
})

test('every element but 0 times its inverse is 1', () => {
  for (let a = 1; a < 256; a++) expect(multiply(a, invert(a))).toBe(1)
  expect(invert(0)).toBe(0)
})

test('shares made by hand from published products give their secret', () => {
  // f(x) = 0x2a + 0x57 x, so f(0x83) = 0x2a + 0xc1 and f(0x13) = 0x2a + 0xfe.
  expect(combine([Uint8Array.of(0x2a ^ 0xc1, 0x83), Uint8Array.of(0x2a ^ 0xfe, 0x13)])).toEqual(Uint8Array.of(0x2a))
})

test('any threshold of shares, in any order, gives the secret, and so do more', () => {
  fc.assert(
    fc.property(secrets, configs, (secret, config) => {
      const shares = split(secret, config, systemRandom)
      const chosen = fc.sample(fc.shuffledSubarray(shares, { minLength: config.threshold, maxLength: config.shares }), 5)
      for (const subset of chosen) expect(combine(subset)).toEqual(secret)
    })
  )
})

test('fewer shares than the threshold do not give the secret', () => {
  fc.assert(
    fc.property(configs, config => {
      const secret = systemRandom.bytes(32)
      const shares = split(secret, config, systemRandom)
      const [few] = fc.sample(fc.shuffledSubarray(shares, { minLength: config.threshold - 1, maxLength: config.threshold - 1 }), 1)
      expect(Buffer.from(combine(few!)!).equals(secret)).toBe(false)
    })
  )
})

test('a share less than the threshold fits every secret equally well', () => {
  const [known, other] = split(Uint8Array.of(42), { shares: 2, threshold: 2 }, systemRandom)
  const possible = Array.from({ length: 256 }, (_, value) => combine([known!, Uint8Array.of(value, other![1]!)])![0]!)
  expect(new Set(possible).size).toBe(256)
})

test('a share has the length of the secret and one byte for its x, which is never 0 and never twice the same', () => {
  const shares = split(systemRandom.bytes(32), { shares: 255, threshold: 3 }, systemRandom)
  expect(new Set(shares.map(share => share.length))).toEqual(new Set([33]))
  expect(shares.map(share => share[32]!).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 255 }, (_, index) => index + 1))
})

test('all 255 shares can be asked for', () => {
  const secret = systemRandom.bytes(32)
  expect(combine(split(secret, { shares: 255, threshold: 255 }, systemRandom))).toEqual(new Uint8Array(secret))
})

test('the x of a share says nothing about when it was handed out', () => {
  const firsts = Array.from({ length: 64 }, () => split(Uint8Array.of(1), { shares: 3, threshold: 2 }, systemRandom)[0]![1]!)
  expect(new Set(firsts).size).toBeGreaterThan(32)
})

test('shares that cannot be one set give nothing', () => {
  const sets = [
    [],
    [[1]],
    [[1, 0]],
    [
      [1, 5],
      [2, 5]
    ],
    [
      [1, 5],
      [1, 5]
    ],
    [
      [1, 5],
      [1, 2, 6]
    ],
    [[], []]
  ]
  for (const set of sets) expect(combine(set.map(share => Uint8Array.from(share)))).toBeUndefined()
})

test('one share of one is a seal, and so is anything up to 255', () => {
  const good = [
    [1, 1],
    [2, 2],
    [5, 3],
    [255, 2],
    [255, 255]
  ] as const
  for (const [shares, threshold] of good) expect(shamirConfig(shares, threshold)).toEqual({ shares, threshold })
})

test('numbers that no seal can have are refused by name', () => {
  const bad: [number, number, string][] = [
    [0, 0, 'shares must be at least one'],
    [-1, 1, 'shares must be at least one'],
    [2.5, 2, 'shares must be at least one'],
    [Number.NaN, 2, 'shares must be at least one'],
    [5, 0, 'threshold must be at least one'],
    [5, Number.POSITIVE_INFINITY, 'threshold must be at least one'],
    [256, 3, 'shares must be less than 256'],
    [3, 5, 'threshold cannot be larger than shares'],
    [5, 1, 'threshold must be greater than one for multiple shares']
  ]
  for (const [shares, threshold, why] of bad) {
    expect(() => shamirConfig(shares, threshold)).toThrow(
      expect.objectContaining({ code: 'invalid_request', message: `invalid seal configuration: ${why}` })
    )
  }
})

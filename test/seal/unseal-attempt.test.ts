import { expect, test } from 'vitest'
import { shamirConfig } from '../../src/seal/shamir-config.ts'
import { wrapByShares } from '../../src/seal/shamir-seal.ts'
import { UnsealAttempt } from '../../src/seal/unseal-attempt.ts'
import { systemRandom } from '../../src/system-clock.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')

function sealed(shares = 5, threshold = 3) {
  const rootKey = systemRandom.bytes(32)
  const seal = wrapByShares(rootKey, shamirConfig(shares, threshold), systemRandom)
  return { rootKey, shares: seal.shares, attempt: new UnsealAttempt({ threshold, wrapped: seal.wrapped }, systemRandom) }
}

function refusal(act: () => unknown): Error & { code?: string } {
  try {
    act()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was refused')
}

test('the threshold of shares, in hex and in base64, gives the root key', () => {
  const { rootKey, shares, attempt } = sealed()
  expect(attempt.add(hex(shares[4]!))).toBeUndefined()
  expect(attempt.progress).toBe(1)
  expect(attempt.add(base64(shares[0]!))).toBeUndefined()
  expect(attempt.progress).toBe(2)
  expect(hex(attempt.add(` ${hex(shares[2]!).toUpperCase()}\n`)!)).toBe(hex(rootKey))
  expect([attempt.progress, attempt.nonce]).toEqual([0, ''])
})

test('one share of one unseals at once', () => {
  const { rootKey, shares, attempt } = sealed(1, 1)
  expect(hex(attempt.add(hex(shares[0]!))!)).toBe(hex(rootKey))
})

test('the same share again is no progress and no error, in either spelling', () => {
  const { shares, attempt } = sealed()
  for (const text of [hex(shares[0]!), hex(shares[0]!), base64(shares[0]!)]) expect(attempt.add(text)).toBeUndefined()
  expect(attempt.progress).toBe(1)
})

test('an attempt keeps its nonce from the first share to the last, and the next has another', () => {
  const { shares, attempt } = sealed()
  expect(attempt.nonce).toBe('')
  attempt.add(hex(shares[0]!))
  const { nonce } = attempt
  expect(nonce).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  attempt.add(hex(shares[1]!))
  expect(attempt.nonce).toBe(nonce)
  attempt.reset()
  expect([attempt.progress, attempt.nonce]).toEqual([0, ''])
  attempt.add(hex(shares[0]!))
  expect(attempt.nonce).not.toBe(nonce)
})

test('a wrong set is refused in the same words wherever the wrong share was, and leaves no progress', () => {
  const { rootKey, shares, attempt } = sealed()
  const foreign = sealed().shares[0]!
  const sameX = shares[0]!.with(0, shares[0]![0]! ^ 1)
  const [a, b, c] = [shares[0]!, shares[1]!, shares[2]!]
  const noX = c.with(32, 0)
  const wrongSets = [
    [foreign, a, b],
    [a, foreign, b],
    [a, b, foreign],
    [a, sameX, b],
    [sameX, b, c],
    [b, c, sameX],
    [a, b, noX]
  ]
  const messages = wrongSets.map(set => {
    const told = refusal(() => set.map(share => attempt.add(hex(share))))
    expect([told.code, attempt.progress, attempt.nonce]).toEqual(['invalid_request', 0, ''])
    return told.message
  })
  expect(new Set(messages).size).toBe(1)
  expect(messages[0]).toMatch(/^invalid key: /)
  // Nothing of the wrong sets stays in the way.
  expect([a, b, c].map(share => attempt.add(hex(share))).map(key => key && hex(key))).toEqual([undefined, undefined, hex(rootKey)])
})

test('a text that is no share changes nothing, and is never repeated', () => {
  const { shares, attempt } = sealed()
  attempt.add(hex(shares[0]!))
  const bad = [
    '',
    '   ',
    'not a key!',
    'deadbeef',
    hex(shares[1]!).slice(2),
    `${hex(shares[1]!)}00`,
    base64(systemRandom.bytes(32)),
    'ключ'
  ]
  for (const text of bad) {
    const told = refusal(() => attempt.add(text))
    expect(told.code).toBe('invalid_request')
    if (text.trim()) expect(told.message).not.toContain(text)
    expect(attempt.progress).toBe(1)
  }
})

test('shares do not open the broker after new ones were made', () => {
  const { rootKey, shares } = sealed()
  const rekeyed = wrapByShares(rootKey, shamirConfig(3, 2), systemRandom)
  const attempt = new UnsealAttempt({ threshold: 2, wrapped: rekeyed.wrapped }, systemRandom)
  expect(refusal(() => shares.map(share => attempt.add(hex(share)))).message).toMatch(/^invalid key: /)
  expect(rekeyed.shares.slice(1).map(share => attempt.add(hex(share)))[1]).toEqual(new Uint8Array(rootKey))
})

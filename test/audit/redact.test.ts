import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { redact } from '../../src/audit/redact.ts'
import { Secret } from '../../src/contracts/secret.ts'
import { hash } from './written-trail.ts'

const read = (data: unknown, clear?: readonly string[]): unknown => JSON.parse(redact(data, hash, clear && new Set(clear)))

test('every text is hashed, wherever it lies; keys, booleans, nulls and times stay', () => {
  const data = {
    a: 'x',
    nested: { b: ['y', { c: 'z' }] },
    on: true,
    off: false,
    none: null,
    at: '2026-11-25T10:00:00Z',
    until: '2026-11-25T10:00:00.123456789+01:00'
  }
  expect(read(data)).toEqual({
    a: hash('x'),
    nested: { b: [hash('y'), { c: hash('z') }] },
    on: true,
    off: false,
    none: null,
    at: '2026-11-25T10:00:00Z',
    until: '2026-11-25T10:00:00.123456789+01:00'
  })
})

test('a number stays where its name says that it measures something, and is hashed like its text elsewhere', () => {
  const data = {
    ttl: 3_600,
    default_lease_ttl: 60,
    num_uses: 5,
    creation_time: 1_700_000_000,
    count: 0,
    password: 12_345_678,
    pin: [4_711],
    x: { secret: 1e21 }
  }
  expect(read(data)).toEqual({
    ...data,
    password: hash('12345678'),
    pin: [hash('4711')],
    x: { secret: hash('1e+21') }
  })
})

test('bytes, big numbers, what is no number and what JSON cannot carry never pass as they are', () => {
  const bytes = new TextEncoder().encode('canary')
  expect(
    read({ bytes, buffer: Buffer.from('canary'), big: 12n, nan: Number.NaN, odd: () => 1, no: undefined, mark: Symbol('canary') })
  ).toEqual({
    bytes: hash(Buffer.from('canary').toString('base64')),
    buffer: hash(Buffer.from('canary').toString('base64')),
    big: hash('12'),
    nan: hash('NaN'),
    odd: null,
    no: null,
    mark: null
  })
})

test('keys that the mount exempts stay in clear, in lists too; others beside them do not', () => {
  const data = { username: 'v-app', names: ['a', 'b'], password: 'p', code: 7, inner: { username: 'w', password: 'q' } }
  expect(read(data, ['username', 'names', 'code'])).toEqual({
    username: 'v-app',
    names: ['a', 'b'],
    password: hash('p'),
    code: 7,
    inner: { username: 'w', password: hash('q') }
  })
})

test('a Secret is hashed in full, whatever keys are exempt and whatever its numbers measure', () => {
  const secret = new Secret({ password: 'p', ttl: 'long', username: 'u' })
  expect(read({ data: secret }, ['username', 'password'])).toEqual({
    data: { password: hash('p'), ttl: hash('long'), username: hash('u') }
  })
})

test('no canary shows, at any depth, under any key, as any kind of value', () => {
  const canary = fc.constantFrom('canary-7f3a', 8_123_456_789, Buffer.from('canary-7f3a'), 'canary-7f3a\u2028"', 81_234_567_890n)
  const tree = fc.letrec(tie => ({
    value: fc.oneof(
      { maxDepth: 20 },
      canary,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom('password', 'x', 'data', '__proto__', 'toJSON'), tie('value'))
    )
  })).value
  fc.assert(
    fc.property(tree, value => {
      const text = redact({ value }, hash)
      JSON.parse(text)
      expect(text).not.toMatch(/canary|8123456789|Y2FuYXJ5/)
    })
  )
})

test('deep, wide and endless data are bounded: what is beyond is hashed as a whole', () => {
  let deep: unknown = 'canary'
  for (let depth = 0; depth < 100_000; depth++) deep = [deep]
  expect(redact(deep, hash).length).toBeLessThan(200)
  let deepish: unknown = 'canary'
  for (let depth = 0; depth < 40; depth++) deepish = { inner: deepish }
  expect(redact(deepish, hash)).toMatch(/hmac-sha256:[0-9a-f]{64}/)
  const endless: Record<string, unknown> = {}
  endless['self'] = endless
  expect(redact(endless, hash)).toContain('[too deep]')
  let hashes = 0
  const counted = (value: string) => `hmac-sha256:${(hashes++, value.length)}`
  const keys = Array.from({ length: 100_000 }, (_, i) => `key-${i}`)
  const list = JSON.parse(redact({ keys }, counted)) as { keys: string[] }
  expect(hashes).toBeLessThan(2_001)
  expect(list.keys.at(-1)).toMatch(/^98\d{3} more: hmac-sha256:/)
  const wide = redact(Object.fromEntries(keys.map(key => [key, 1])), hash)
  expect(wide.length).toBeLessThan(200_000)
  expect(redact({ ['k'.repeat(100_000)]: 1 }, hash).length).toBeLessThan(300)
})

import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Keyring } from '../../src/seal/keyring.ts'
import { createRootKey, openKeyring, sealKeyring } from '../../src/seal/root-key.ts'
import { systemRandom } from '../../src/system-clock.ts'
import { code, now, rotate } from './sample.ts'

const later = now.add({ hours: 24 })

function rotated(): Keyring {
  const keyring = Keyring.create(systemRandom, now)
  rotate(keyring, later)
  return keyring
}

test('a keyring is read as it was written, counts and all', () => {
  const keyring = rotated()
  keyring.current.counted = 2 ** 33
  const read = Keyring.parse(keyring.serialise())
  expect(read.current).toMatchObject({ id: 2, counted: 2 ** 33, left: 0 })
  expect(read.current.createdAt.equals(later)).toBe(true)
  expect(read.key(1)?.createdAt.equals(now)).toBe(true)
  expect(read.serialise()).toEqual(keyring.serialise())
})

test('what is stored before a change is what the keyring is after it', () => {
  const keyring = rotated()
  const add = keyring.nextKey(systemRandom, later)
  for (const change of [{ add }, { dropBelow: 3 }, { counted: 7 }]) {
    const before = keyring.serialise(change)
    expect(before).not.toEqual(keyring.serialise())
    keyring.adopt(change)
    expect(keyring.serialise()).toEqual(before)
  }
})

test('a dropped key is stored no more, and goes on opening until the keyring ends; the current one is never dropped', () => {
  const keyring = rotated()
  const [first, second] = [keyring.key(1), keyring.key(2)]
  keyring.adopt({ dropBelow: 9 })
  expect([keyring.oldest, keyring.current, keyring.key(1)]).toEqual([2, second, first])
  const read = Keyring.parse(keyring.serialise())
  expect([read.oldest, read.current.id, read.key(1), read.key(3)]).toEqual([2, 2, undefined, undefined])
  rotate(read, later)
  expect(Keyring.parse(read.serialise()).key(3)?.bytes.reveal()).toEqual(read.current.bytes.reveal())
})

test('a rotation adds a key, makes it the current one, and leaves the older one and the mac root as they are', () => {
  const keyring = Keyring.create(systemRandom, now)
  const [first, root] = [keyring.current, keyring.macRoot.reveal()]
  const second = rotate(keyring, later)
  expect(keyring.current).toBe(second)
  expect([first.id, second.id]).toEqual([1, 2])
  expect(keyring.key(1)).toBe(first)
  expect(second.bytes.reveal()).not.toEqual(first.bytes.reveal())
  expect(keyring.macRoot.reveal()).toEqual(root)
})

test('there is no key of an id that was never given', () => {
  for (const id of [0, 3, 2 ** 32 - 1]) expect(rotated().key(id)).toBeUndefined()
})

test('a keyring holds at most 1,000 keys', () => {
  const keyring = Keyring.create(systemRandom, now)
  for (let term = 2; term <= 1_000; term++) rotate(keyring, later)
  expect(() => rotate(keyring, later)).toThrow(code('invalid_request'))
  expect(Keyring.parse(keyring.serialise()).current.id).toBe(1_000)
})

test('bytes that are no keyring are an integrity error', () => {
  const good = rotated().serialise()
  const idOfSecond = 1 + 32 + 4 + 48
  const bad = [
    new Uint8Array(),
    good.with(0, 2),
    good.subarray(0, -1),
    Buffer.concat([good, Buffer.alloc(1)]),
    good.with(1 + 32 + 3, 0),
    good.with(1 + 32, 255),
    good.with(idOfSecond + 3, 1)
  ]
  for (const bytes of bad) expect(() => Keyring.parse(bytes)).toThrow(code('integrity'))
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
      expect(() => Keyring.parse(bytes)).toThrow(code('integrity'))
    })
  )
})

test('destroying a keyring zeroes every key and throws `sealed` from then on', () => {
  const keyring = rotated()
  const held = [keyring.macRoot, keyring.key(1)!.bytes, keyring.key(2)!.bytes].map(secret => secret.reveal())
  expect(held.every(bytes => bytes.some(byte => byte !== 0))).toBe(true)
  keyring.destroy()
  expect(held.every(bytes => bytes.every(byte => byte === 0))).toBe(true)
  const uses = [
    () => keyring.current,
    () => keyring.key(1),
    () => keyring.macRoot,
    () => keyring.serialise(),
    () => keyring.nextKey(systemRandom, now),
    () => keyring.adopt({ counted: 1 })
  ]
  for (const use of uses) expect(use).toThrow(code('sealed'))
})

test('a keyring shares no memory with what it was read from or made of', () => {
  const drawn: Uint8Array[] = []
  const random = { ...systemRandom, bytes: (count: number) => (drawn[drawn.length] = systemRandom.bytes(count)) }
  const keyring = Keyring.create(random, now)
  const bytes = keyring.serialise()
  const read = Keyring.parse(bytes)
  for (const outside of [...drawn, bytes]) outside.fill(0)
  expect(read.serialise()).toEqual(keyring.serialise())
})

test('the root key opens the keyring of its own instance only', () => {
  const rootKey = createRootKey(systemRandom)
  const keyring = rotated()
  const sealed = sealKeyring(keyring, rootKey, 'instance-1', systemRandom)
  expect(openKeyring(sealed, rootKey, 'instance-1').serialise()).toEqual(keyring.serialise())
  expect(() => openKeyring(sealed, rootKey, 'instance-2')).toThrow(code('integrity'))
  expect(() => openKeyring(sealed, createRootKey(systemRandom), 'instance-1')).toThrow(code('integrity'))
  expect(() => openKeyring(sealed.with(sealed.length - 1, sealed.at(-1)! ^ 1), rootKey, 'instance-1')).toThrow(code('integrity'))
})

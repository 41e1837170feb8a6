import { inspect } from 'node:util'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Barrier } from '../../src/seal/barrier.ts'
import { Keyring } from '../../src/seal/keyring.ts'
import { associatedData } from '../../src/seal/place.ts'
import { systemRandom } from '../../src/system-clock.ts'
import { code, freshBarrier, now, place, replayable, rotate, text } from './sample.ts'

const nonceOf = (sealed: Uint8Array) => Buffer.from(sealed.subarray(5, 17)).toString('hex')

test('what is sealed opens at its own place', () => {
  const barrier = freshBarrier()
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 300 }), (row, plain) => {
      expect(Buffer.from(barrier.open(place(row), barrier.seal(place(row), plain))).equals(plain)).toBe(true)
    })
  )
})

test('any JSON comes back as it went in', () => {
  const barrier = freshBarrier()
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      expect(JSON.stringify(barrier.openJson(place('a'), barrier.sealJson(place('a'), value as never)))).toBe(JSON.stringify(value))
    })
  )
})

test('a sealed value has format, key id, nonce, text and tag, and nothing of the plain text', () => {
  const sealed = Buffer.from(freshBarrier().seal(place('a'), Buffer.from('correct horse')))
  expect(sealed.subarray(0, 5)).toEqual(Buffer.from([1, 0, 0, 0, 1]))
  expect(sealed.length).toBe(5 + 12 + 'correct horse'.length + 16)
  expect(sealed.includes('horse')).toBe(false)
})

test('what the barrier returns shares its memory with nothing, so that no copy to a worker takes a neighbour along', () => {
  const barrier = freshBarrier()
  const sealed = barrier.seal(place('a'), Buffer.from('secret'))
  const returned = [sealed, barrier.open(place('a'), sealed), barrier.mac('token', 'x')]
  for (const bytes of returned) expect(bytes.buffer.byteLength).toBe(bytes.byteLength)
})

test('no sealed value opens at the place of another', () => {
  const barrier = freshBarrier()
  const places = ['lease', 'entry'].flatMap(table => ['a', 'b'].flatMap(row => ['handle', 'value'].map(column => ({ table, row, column }))))
  const sealed = places.map((where, index) => barrier.seal(where, Buffer.from(`value ${index}`)))
  for (const [of, where] of places.entries()) {
    for (const [index, bytes] of sealed.entries()) {
      if (index === of) expect(text(barrier.open(where, bytes))).toBe(`value ${index}`)
      else expect(() => barrier.open(where, bytes)).toThrow(code('integrity'))
    }
  }
})

test('a change of any single byte is an integrity error', () => {
  const barrier = freshBarrier()
  const sealed = barrier.seal(place('a'), Buffer.from('secret'))
  for (const [index, byte] of sealed.entries()) {
    for (const flip of [0x01, 0x80, 0xff]) {
      const edited = sealed.with(index, byte ^ flip)
      expect(() => barrier.open(place('a'), edited), `byte ${index}`).toThrow(code('integrity'))
    }
  }
})

test('a value that was cut or made longer is an integrity error', () => {
  const barrier = freshBarrier()
  const sealed = barrier.seal(place('a'), Buffer.from('secret'))
  for (let length = 0; length < sealed.length; length++) {
    expect(() => barrier.open(place('a'), sealed.subarray(0, length))).toThrow(code('integrity'))
    expect(() => barrier.open(place('a'), sealed.subarray(sealed.length - length))).toThrow(code('integrity'))
  }
  expect(() => barrier.open(place('a'), Buffer.concat([sealed, Buffer.alloc(1)]))).toThrow(code('integrity'))
})

test('a value of another broker does not open', () => {
  const sealed = freshBarrier().seal(place('a'), Buffer.from('secret'))
  expect(() => freshBarrier().open(place('a'), sealed)).toThrow(code('integrity'))
})

test('an integrity error names table and column to the caller and the row to the log only', () => {
  const sealed = freshBarrier().seal(place('a'), Buffer.from('secret'))
  try {
    freshBarrier().open(place('row-17'), sealed)
    expect.unreachable()
  } catch (error) {
    expect((error as Error).message).toBe('a sealed value of lease.handle does not open: it was cut, edited or moved')
    expect(String((error as Error).cause)).toContain('row-17')
  }
})

test('a sealed text that is no JSON is an integrity error that does not quote it', () => {
  const barrier = freshBarrier()
  const sealed = barrier.seal(place('a'), Buffer.from('hunter2 {'))
  expect(() => barrier.openJson(place('a'), sealed)).toThrow(code('integrity'))
  try {
    barrier.openJson(place('a'), sealed)
  } catch (error) {
    expect(inspect(error)).not.toContain('hunter2')
  }
})

test('no two places have the same associated data', () => {
  const header = Buffer.from([1, 0, 0, 0, 1])
  const part = fc.oneof(fc.string({ unit: fc.constantFrom('a', 'b', '\0', '\n') }), fc.string({ unit: 'binary' }))
  const places = fc.record({ table: part, row: part, column: part })
  fc.assert(
    fc.property(places, places, (one, other) => {
      const same = Buffer.from(associatedData(header, one)).equals(associatedData(header, other))
      expect(same).toBe(one.table === other.table && one.row === other.row && one.column === other.column)
    })
  )
  const lone = { table: 't', row: '\ud800', column: 'c' }
  expect(associatedData(header, lone)).not.toEqual(associatedData(header, { ...lone, row: '\ud801' }))
  expect(associatedData(header, { table: 'ab', row: 'c', column: 'd' })).not.toEqual(
    associatedData(header, { table: 'a', row: 'bc', column: 'd' })
  )
})

test('the same text at the same place never has the same nonce twice', () => {
  const barrier = freshBarrier()
  const nonces = Array.from({ length: 2_000 }, () => nonceOf(barrier.seal(place('a'), Buffer.from('same'))))
  expect(new Set(nonces).size).toBe(2_000)
})

test('a random source that repeats itself is refused', () => {
  const stuck = { bytes: (count: number) => new Uint8Array(count).fill(7), below: () => 0 }
  const barrier = Barrier.create(Keyring.create(systemRandom, now), stuck)
  barrier.seal(place('a'), Buffer.from('one'))
  expect(() => barrier.seal(place('a'), Buffer.from('two'))).toThrow(code('integrity'))
})

test('a random source that goes round in circles repeats no nonce', () => {
  let turn = 0
  const circling = { bytes: (count: number) => new Uint8Array(count).fill(turn++ % 2), below: () => 0 }
  const barrier = Barrier.create(Keyring.create(systemRandom, now), circling)
  const nonces = Array.from({ length: 100 }, () => nonceOf(barrier.seal(place('a'), Buffer.from('same'))))
  expect(new Set(nonces).size).toBe(100)
})

test('a machine restored from a snapshot uses no nonce for a second text or a second place', () => {
  const keyring = Keyring.create(systemRandom, now).serialise()
  const machine = () => {
    const copied = Keyring.parse(keyring)
    copied.current.left = 10
    return Barrier.create(copied, replayable(1))
  }
  const [first, clone] = [machine(), machine()]
  // Both draw the same random bytes and count alike; only what they seal differs.
  expect(nonceOf(first.seal(place('a'), Buffer.from('one')))).not.toBe(nonceOf(clone.seal(place('a'), Buffer.from('two'))))
  expect(nonceOf(first.seal(place('a'), Buffer.from('one')))).not.toBe(nonceOf(clone.seal(place('b'), Buffer.from('one'))))
  // Proof that they are clones: where they do the same, they make the same bytes.
  expect(first.seal(place('c'), Buffer.from('one'))).toEqual(clone.seal(place('c'), Buffer.from('one')))
})

test('only as many encryptions are made as the store has counted, and never more than 2^32 under one key', () => {
  const keyring = Keyring.parse(Keyring.create(systemRandom, now).serialise())
  const barrier = Barrier.create(keyring, systemRandom)
  const asked: number[] = []
  barrier.whenLow(() => asked.push(keyring.current.left))
  expect(() => barrier.seal(place('a'), Buffer.from('not counted'))).toThrow(code('store_unreachable'))
  Object.assign(keyring.current, { counted: 2 ** 32, left: 32_769 })
  const last = barrier.seal(place('a'), Buffer.from('last'))
  expect(barrier.keyStatus).toEqual({ term: 1, installedAt: now, encryptions: 2 ** 32 - 32_768 })
  expect(asked).toEqual([0, 32_768])
  keyring.current.left = 0
  expect(() => barrier.seal(place('a'), Buffer.from('one more'))).toThrow(code('integrity'))
  rotate(keyring, now)
  const first = barrier.seal(place('a'), Buffer.from('first'))
  expect(barrier.keyStatus).toMatchObject({ term: 2, encryptions: 1 })
  expect([text(barrier.open(place('a'), last)), text(barrier.open(place('a'), first))]).toEqual(['last', 'first'])
})

test('a hash depends on its purpose and outlives a rotation and a restart', () => {
  const keyring = Keyring.create(systemRandom, now)
  const barrier = Barrier.create(keyring, systemRandom)
  const hash = barrier.mac('token', 'hvs.1')
  expect(hash).toHaveLength(32)
  expect(barrier.mac('mark', 'hvs.1')).not.toEqual(hash)
  rotate(keyring, now)
  expect(barrier.mac('token', Buffer.from('hvs.1'))).toEqual(hash)
  expect(Barrier.create(Keyring.parse(keyring.serialise()), systemRandom).mac('token', 'hvs.1')).toEqual(hash)
  expect(freshBarrier().mac('token', 'hvs.1')).not.toEqual(hash)
})

test('purposes of hashing cannot grow without end', () => {
  const barrier = freshBarrier()
  for (let index = 0; index < 1_000; index++) barrier.mac(`purpose ${index}`, '')
  expect(() => barrier.mac('one more', '')).toThrow('purposes')
  expect(barrier.mac('purpose 0', '')).toHaveLength(32)
})

test('a destroyed barrier throws `sealed` for everything', () => {
  const barrier = freshBarrier()
  const sealed = barrier.sealJson(place('a'), 'secret')
  barrier.mac('token', 'known purpose')
  barrier.destroy()
  barrier.destroy()
  const uses = [
    () => barrier.seal(place('a'), Buffer.from('x')),
    () => barrier.open(place('a'), sealed),
    () => barrier.sealJson(place('a'), 'x'),
    () => barrier.openJson(place('a'), sealed),
    () => barrier.mac('token', 'known purpose'),
    () => barrier.mac('new purpose', 'x'),
    () => barrier.keyStatus
  ]
  for (const use of uses) expect(use).toThrow(code('sealed'))
})

test('printing a barrier or its keyring shows no key', () => {
  const bytes = Buffer.alloc(32, 0xab)
  const recognisable = { bytes: (count: number) => new Uint8Array(bytes.subarray(0, count)), below: () => 0 }
  const keyring = Keyring.create(recognisable, now)
  const barrier = Barrier.create(keyring, systemRandom)
  const shown = [barrier, keyring, keyring.current, keyring.macRoot].map(
    each => inspect(each, { depth: 9, showHidden: true }) + JSON.stringify(each)
  )
  expect(shown.join('\n')).not.toMatch(/171, ?171|171,\s*"1"|abab|ab ab/)
})

test('what the store keeps is opened once, only at its own place, never after the end, and nobody can change it for others', () => {
  const barrier = freshBarrier()
  const sealed = barrier.sealJson(place('a'), { password: 'x', list: [{ deep: 1 }] })
  const opened = barrier.openKept(place('a'), sealed) as { list: { deep: number }[] }
  expect(opened).toEqual({ password: 'x', list: [{ deep: 1 }] })
  expect(barrier.openKept(place('a'), sealed)).toBe(opened)
  expect(() => (opened.list[0]!.deep = 2)).toThrow(TypeError)
  expect(() => barrier.openKept(place('b'), sealed)).toThrow(code('integrity'))
  expect(() => barrier.openKept(place('a'), new Uint8Array(sealed.map(byte => byte ^ 1)))).toThrow(code('integrity'))
  barrier.destroy()
  expect(() => barrier.openKept(place('a'), sealed)).toThrow(code('sealed'))
})

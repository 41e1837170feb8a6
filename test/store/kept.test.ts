import { join } from 'node:path'
import { array, assert, asyncProperty, constantFrom, nat, record } from 'fast-check'
import { expect, test } from 'vitest'
import type { Intention } from '../../src/store/change.ts'
import { cubbyholeSpace } from '../../src/store/token.ts'
import type { Token } from '../../src/store/token.ts'
import { openReading } from '../../src/store/sqlite/database.ts'
import type { Database } from '../../src/store/sqlite/database.ts'
import { Kept } from '../../src/store/sqlite/kept.ts'
import { entry } from '../../src/store/sqlite/reads/seal-reads.ts'
import { authenticate } from '../../src/store/sqlite/reads/token-reads.ts'
import { toToken } from '../../src/store/sqlite/rows/token-row.ts'
import { World, bytes } from '../contract/store/world.ts'
import { sqliteUnderTest } from './sqlite-under-test.ts'

test('what was read is kept until something may have changed it', async () => {
  const kept = new Kept<number>(10)
  expect(kept.get('a')).toBeUndefined()
  expect(await kept.learn('a', async () => 1)).toBe(1)
  expect(kept.get('a')).toBe(1)
  kept.forget()
  expect(kept.get('a')).toBeUndefined()
})

test('a read that was under way when something changed is answered and not kept', async () => {
  const kept = new Kept<number>(10)
  const { promise, resolve } = Promise.withResolvers<number>()
  const learning = kept.learn('a', () => promise)
  kept.forget()
  resolve(1)
  expect(await learning).toBe(1)
  expect(kept.get('a')).toBeUndefined()
})

test('who changes one row leaves the others kept, those that are being read included', async () => {
  const kept = new Kept<number>(10)
  for (const [n, key] of ['a', 'b'].entries()) await kept.learn(key, async () => n)
  const { promise, resolve } = Promise.withResolvers<number>()
  const learning = [kept.learn('c', () => promise), kept.learn('d', () => promise)]
  kept.forget(['a', 'c'])
  resolve(2)
  await Promise.all(learning)
  expect(['a', 'b', 'c', 'd'].map(key => kept.get(key))).toEqual([undefined, 1, undefined, 2])
})

test('a use is seen by the next reader, whatever else is kept', async () => {
  await using world = new World(await sqliteUnderTest())
  const read = async () => [(await world.store.entry('s', 'k'))?.uses, (await world.store.entry('s', 'other'))?.uses]
  for (const key of ['k', 'other']) await world.change({ kind: 'entry.put', space: 's', key, value: bytes('a'), uses: 3 })
  expect(await read()).toEqual([3, 3])
  await world.change({ kind: 'entry.spend', space: 's', key: 'k' })
  expect(await read()).toEqual([2, 3])
  await world.change({ kind: 'entry.put', space: 's', key: 'other', value: bytes('b'), uses: 9 })
  expect(await read()).toEqual([2, 9])
})

test('what a token kept for itself is not served from memory when its cascade has taken it away', async () => {
  await using world = new World(await sqliteUnderTest())
  const token = await world.token()
  const space = cubbyholeSpace(token.hash)
  await world.change({ kind: 'entry.put', space, key: 'k', value: bytes('a') })
  expect(await world.store.entry(space, 'k')).toBeDefined()
  const { cascade } = await world.change({ kind: 'token.end', hash: token.hash, cause: 'token-revoked', by: '' })
  await world.change({ kind: 'cascade.work', id: cascade!, limit: 10 })
  expect(await world.store.entry(space, 'k')).toBeUndefined()
})

test('nothing is kept of what is not there, nor of what is too large', async () => {
  const kept = new Kept<string>(10, text => text.length < 5)
  expect(await kept.learn('a', async () => undefined)).toBeUndefined()
  expect(await kept.learn('b', async () => 'too large')).toBe('too large')
  expect([kept.get('a'), kept.get('b')]).toEqual([undefined, undefined])
})

test('no more than so many are kept, the newest', async () => {
  const kept = new Kept<number>(2)
  for (const [n, key] of ['a', 'b', 'c'].entries()) await kept.learn(key, async () => n)
  expect([kept.get('a'), kept.get('b'), kept.get('c')]).toEqual([undefined, 1, 2])
})

test.each([
  { kind: 'entry.remove', space: 'mount:m', key: 'k' },
  { kind: 'entry.take', space: 'mount:m', key: 'k' },
  { kind: 'space.drop', space: 'mount:m', mount: 'm' }
] as const)('a row that is gone by $kind is gone, however often it was read', async intention => {
  await using world = new World(await sqliteUnderTest())
  await world.change({ kind: 'entry.put', space: 'mount:m', key: 'k', value: bytes('1') })
  for (let n = 0; n < 3; n++) expect(await world.store.entry('mount:m', 'k')).toMatchObject({ value: bytes('1') })
  await world.change(intention)
  expect(await world.store.entry('mount:m', 'k')).toBeUndefined()
})

async function make(world: World, parent: string | null, which: number): Promise<Token> {
  const token = world.newToken({ parent, expiresAt: world.in({ minutes: 1 + which }), uses: which % 4 === 0 ? 2 : 0 })
  await world.change({ kind: 'token.create', token })
  return token
}

async function change(world: World, intention: Intention): Promise<undefined> {
  await world.change(intention)
}

const keyOf = (which: number) => `key-${which % 3}`

/** What may happen to a token or to a row. A refused change is one more thing that happens. */
const moves: Readonly<Record<string, (world: World, token: Token, which: number) => Promise<Token | undefined>>> = {
  child: (world, { hash }, which) => make(world, hash, which),
  orphan: (world, _, which) => make(world, null, which),
  end: (world, { hash }) => change(world, { kind: 'token.end', hash, cause: 'manual', by: '' }),
  'end and orphan': (world, { hash }) => change(world, { kind: 'token.end', hash, cause: 'manual', by: '', orphan: true }),
  renew: (world, { hash }, which) => change(world, { kind: 'token.renew', hash, expiresAt: world.in({ minutes: which }) }),
  use: (world, { hash }) => change(world, { kind: 'token.use', hash }),
  expire: world => change(world, { kind: 'tokens.expire', limit: 100 }),
  cascade: async world => void (await world.cascade()),
  prune: world => change(world, { kind: 'history.prune', before: world.now, limit: 100 }),
  later: async (world, _, which) => {
    world.advance({ seconds: which * 15 })
    return undefined
  },
  put: (world, _, which) => change(world, { kind: 'entry.put', space: 'mount:m', key: keyOf(which), value: bytes(`${which}`) }),
  'put policy': (world, _, which) => change(world, { kind: 'entry.put', space: 'policy', key: keyOf(which), value: bytes(`${which}`) }),
  remove: (world, _, which) => change(world, { kind: 'entry.remove', space: 'mount:m', key: keyOf(which) }),
  lease: async (world, token) => void (await world.active(token))
}

const step = record({ kind: constantFrom(...Object.keys(moves)), which: nat(20) })

test('whatever happens, and however often it was asked before, a store says of tokens and rows what its file says', async () => {
  await assert(
    asyncProperty(array(step, { minLength: 5, maxLength: 25 }), async course => {
      const under = await sqliteUnderTest()
      await using world = new World(under)
      const file = openReading(join(under.path, 'mayfly.db'))
      using _ = { [Symbol.dispose]: () => file.close() }
      const tokens = [await world.token({ expiresAt: null })]
      for (const { kind, which } of course) {
        const move = moves[kind]!(world, tokens[which % tokens.length]!, which)
        // Asked while the change is on its way: what is answered then must not stay.
        const asked = tokens.map(token => world.store.authenticate(token.hash, world.now))
        const made = await move.catch(() => undefined)
        await Promise.all(asked)
        if (made) tokens.push(made)
        await sameAsFile(world, file, tokens)
      }
    }),
    { numRuns: 25 }
  )
})

async function sameAsFile(world: World, file: Database, tokens: readonly Token[]): Promise<void> {
  for (const { hash } of tokens) {
    const [said, there] = [await world.store.authenticate(hash, world.now), authenticate(file, hash, world.now.epochMilliseconds)]
    expect(said.generation).toBe(there.generation)
    expect(said.token).toEqual(there.token && toToken(there.token))
  }
  for (const space of ['mount:m', 'policy'])
    for (const n of [0, 1, 2]) expect(await world.store.entry(space, `key-${n}`)).toEqual(entry(file, space, `key-${n}`))
}

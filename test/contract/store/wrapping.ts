import { describe, expect, test } from 'vitest'
import { cubbyholeSpace } from '../../../src/store/token.ts'
import type { Lease } from '../../../src/lease/lease.ts'
import type { Token } from '../../../src/store/token.ts'
import { bytes, World } from './world.ts'
import type { OpenStore } from './world.ts'

interface Waiting {
  readonly wrapping: Token
  readonly lease: Lease
  readonly inner: Token
}

/** A reply that hands over a lease and a token, under a wrapping token of one minute. */
async function waiting(world: World): Promise<Waiting> {
  const asker = await world.token()
  const wrapping = await world.token({ uses: 1, renewable: false, expiresAt: world.in({ minutes: 1 }) })
  const [lease, inner] = [await world.active(asker), await world.token({ parent: asker.hash })]
  await world.change({ kind: 'wrapping.put', token: wrapping.hash, reply: bytes('sealed'), lease: lease.id, inner: inner.hash })
  return { wrapping, lease, inner }
}

const open = (world: World, { wrapping, lease, inner }: Waiting) =>
  world.change({ kind: 'wrapping.open', token: wrapping.hash, lease: lease.id, inner: inner.hash })

async function outcome(world: World, { lease, inner }: Waiting): Promise<{ cause: string | null; lives: boolean }> {
  const { token } = await world.store.authenticate(inner.hash, world.now)
  return { cause: (await world.lease(lease.id)).cause, lives: token !== undefined }
}

const ended = { cause: 'not-unwrapped', lives: false }
const notValid = { code: 'invalid_wrapping_token' }

export function wrapping(openStore: OpenStore): void {
  describe('wrapped replies', () => {
    test('one opening spends the token, takes the reply away and leaves what it hands over', async () => {
      await using world = await World.open(openStore)
      const held = await waiting(world)
      const row = { reply: bytes('sealed'), lease: held.lease.id, inner: held.inner.hash }
      expect(await world.store.wrapped(held.wrapping.hash)).toEqual(row)
      const tries = await Promise.allSettled(Array.from({ length: 100 }, () => open(world, held)))
      expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      for (const one of tries) if (one.status === 'rejected') expect(one.reason).toMatchObject(notValid)
      expect(await world.store.wrapped(held.wrapping.hash)).toBeUndefined()
      expect((await world.store.authenticate(held.wrapping.hash, world.now)).token).toBeUndefined()
      world.advance({ minutes: 2 })
      await world.change({ kind: 'tokens.expire', limit: 10 })
      expect(await outcome(world, held)).toEqual({ cause: null, lives: true })
    })

    test.each([
      ['its time is over', (world: World) => (world.advance({ minutes: 1 }), world.change({ kind: 'tokens.expire', limit: 10 }))],
      ['it is revoked', (world: World, hash: string) => world.change({ kind: 'token.end', hash, cause: 'token-revoked', by: '' })],
      ['it is spent on something else', (world: World, hash: string) => world.change({ kind: 'token.use', hash })]
    ])('unopened, all of it ends in the commit in which %s', async (_, end) => {
      await using world = await World.open(openStore)
      const held = await waiting(world)
      await end(world, held.wrapping.hash)
      expect(await outcome(world, held)).toEqual(ended)
      expect((await world.lease(held.lease.id)).dueAt).toEqual(world.now)
      expect(await world.store.wrapped(held.wrapping.hash)).toBeUndefined()
      await expect(open(world, held)).rejects.toMatchObject(notValid)
    })

    test('a reply does not open past its time, though nobody has ended it yet, nor as something else than it is', async () => {
      await using world = await World.open(openStore)
      const held = await waiting(world)
      await expect(open(world, { ...held, inner: await world.token() })).rejects.toMatchObject(notValid)
      world.advance({ minutes: 1 })
      await expect(open(world, held)).rejects.toMatchObject(notValid)
      expect(await world.store.wrapped(held.wrapping.hash)).toBeDefined()
    })

    test('an opening that fails with its commit has not happened', async () => {
      await using world = await World.open(openStore)
      const held = await waiting(world)
      const change = {
        kind: 'wrapping.open',
        now: world.now,
        token: held.wrapping.hash,
        lease: held.lease.id,
        inner: held.inner.hash
      } as const
      const lost = { kind: 'token.require', now: world.now, hash: 'nobody' } as const
      await expect(world.store.commit([change, lost], [])).rejects.toMatchObject({ code: 'permission_denied' })
      expect(await open(world, held)).toMatchObject({ applied: true })
    })

    test('nothing waits under a token that has ended', async () => {
      await using world = await World.open(openStore)
      const { hash } = await world.token({ uses: 1 })
      await world.change({ kind: 'token.end', hash, cause: 'token-revoked', by: '' })
      const put = world.change({ kind: 'wrapping.put', token: hash, reply: bytes('sealed'), lease: null, inner: null })
      await expect(put).rejects.toMatchObject({ code: 'permission_denied' })
    })
  })

  test('however much waited wrapped, a batch of ends stays a short one', async () => {
    await using world = await World.open(openStore)
    for (let i = 0; i < 7; i++) {
      const { hash } = await world.token({ uses: 1, renewable: false, expiresAt: world.in({ minutes: 1 }) })
      await world.change({ kind: 'wrapping.put', token: hash, reply: new Uint8Array(1_000_000), lease: null, inner: null })
    }
    world.advance({ minutes: 2 })
    const counts: number[] = []
    do counts.push((await world.change({ kind: 'tokens.expire', limit: 100 })).count ?? 0)
    while (counts.at(-1)! > 0)
    expect(counts).toEqual([2, 2, 2, 1, 0])
  })

  describe('cubbyholes', () => {
    test('the rows of a token go with it, in batches, and nobody else’s', async () => {
      await using world = await World.open(openStore)
      const [token, other] = [await world.token(), await world.token()]
      for (const { hash } of [token, other])
        for (const key of ['a', 'b/c', 'd', 'e', 'f'])
          await world.change({ kind: 'entry.put', space: cubbyholeSpace(hash), key, value: bytes('sealed') })
      await world.change({ kind: 'token.end', hash: token.hash, cause: 'token-revoked', by: '' })
      expect(await world.cascade(2)).toEqual([2, 2, 1])
      expect(await world.store.keys(cubbyholeSpace(token.hash), '', '', 10)).toEqual([])
      expect(await world.store.keys(cubbyholeSpace(other.hash), '', '', 10)).toHaveLength(5)
    })

    test('what must live is asked in the commit', async () => {
      await using world = await World.open(openStore)
      const parent = await world.token()
      const { hash } = await world.token({ parent: parent.hash })
      await world.change({ kind: 'token.require', hash })
      await world.change({ kind: 'token.end', hash: parent.hash, cause: 'token-revoked', by: '' })
      await expect(world.change({ kind: 'token.require', hash })).rejects.toMatchObject({ code: 'permission_denied' })
      await expect(world.change({ kind: 'token.require', hash: 'nobody' })).rejects.toMatchObject({ code: 'permission_denied' })
    })
  })
}

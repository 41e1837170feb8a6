/** Lists that lie, change, hang or never end: what counts is what two looks agree on, and a target harms nobody but itself. */
import { expect, test } from 'vitest'
import type { Found, RevokeCall } from '../../src/contracts/index.ts'
import { oddBackend } from './odd-backend.ts'
import { found as usersFound, orphan, pass, reconcile } from './reconcile-stand.ts'
import { smallBroker, withUsers } from './small-broker.ts'
import type { SmallBroker, SmallBrokerOptions } from './small-broker.ts'

type Listing = (look: number, signal: AbortSignal) => AsyncIterable<Found>

interface Odd extends AsyncDisposable {
  readonly broker: SmallBroker
  readonly revoked: string[]
  /** As `found` of the odd mount. */
  look(): Promise<Awaited<ReturnType<typeof usersFound>>>
}

/** A broker whose target lists what a test says, look by look from 1, without what was revoked. Its quarantine ends between two turns of the broker's own loop. */
async function withOdd(list: Listing, options: Omit<SmallBrokerOptions, 'backends'> = {}): Promise<Odd> {
  const revoked: string[] = []
  let looks = 0
  const revoke = async ({ leases }: RevokeCall) => {
    for (const { handle } of leases) revoked.push((handle as { name: string }).name)
    return leases.map(() => ({ kind: 'gone' }) as const)
  }
  async function* there(signal: AbortSignal): AsyncGenerator<Found> {
    for await (const found of list(++looks, signal)) if (!revoked.includes(found.name)) yield found
  }
  const odd = oddBackend(revoke, { list: (_, signal) => there(signal) })
  const broker = await smallBroker({ ...options, backends: [odd] })
  await broker.ask('write', 'sys/mounts/odd', { type: 'odd' })
  await broker.ask('read', 'odd/creds/one')
  await broker.ask('write', 'sys/mounts/odd/tune', { reconcile: 'remove', reconcile_after: '70s' })
  looks = 0
  return {
    broker,
    revoked,
    look: async () => (await reconcile(broker, 'odd')).targets[0]!,
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose]()
  }
}

const ours = (name: string, handle = { name }): Found => ({ name, enabled: true, handle })

async function* listed(...found: readonly Found[]): AsyncGenerator<Found> {
  yield* found
}

test('what only one of two listings shows is nothing: it was on its way', async () => {
  await using odd = await withOdd(look => listed(ours('odd-1'), ours(`passing-${look}`)))
  for (let i = 0; i < 3; i++) {
    expect(await odd.look()).toMatchObject({ orphanCount: 0, missingCount: 0, listed: 2 })
    await pass(odd.broker, 'PT2M')
  }
  expect(odd.revoked).toEqual([])
})

test('a lease that is begun while the target is listed has begun before its object is there', async () => {
  let issue: (() => Promise<unknown>) | undefined
  await using odd = await withOdd(async function* (look) {
    yield ours('odd-1')
    if (look > 1) yield ours('odd-2')
    if (look !== 1) return
    await issue!()
    yield ours('odd-2')
  })
  issue = () => odd.broker.ask('read', 'odd/creds/one')
  expect(await odd.look()).toMatchObject({ orphanCount: 0, missingCount: 0, listed: 2 })
})

test('a lease that ends while its target is listed is neither without object nor an object without lease', async () => {
  let end: (() => Promise<unknown>) | undefined
  await using odd = await withOdd(async function* (look) {
    if (look > 1) return
    yield ours('odd-1')
    await end!()
  })
  const [id] = await odd.broker.store.leaseIds('odd/', '', 10)
  end = () => odd.broker.ask('write', 'sys/leases/revoke', { lease_id: id! })
  expect(await odd.look()).toMatchObject({ orphanCount: 0, missingCount: 0 })
  expect(odd.revoked).toEqual(['odd-1'])
})

test('a lease whose object has gone is none to tell of once it ends as well', async () => {
  let end: (() => Promise<unknown>) | undefined
  await using odd = await withOdd(async function* (look) {
    if (look === 2) await end!()
    yield* listed()
  })
  const [id] = await odd.broker.store.leaseIds('odd/', '', 10)
  end = () => odd.broker.ask('write', 'sys/leases/revoke', { lease_id: id! })
  expect(await odd.look()).toMatchObject({ missingCount: 0, missing: [] })
})

test('a name that is another object by now begins its quarantine anew', async () => {
  let generation = 0
  await using odd = await withOdd(() => listed(ours('odd-1'), ours('lost', { name: `lost ${generation}` })))
  for (; generation < 3; generation++) {
    expect(await odd.look()).toMatchObject({ orphans: [{ name: 'lost', state: 'waits' }] })
    await odd.broker.clock.advance('PT60S')
  }
  await pass(odd.broker, 'PT3M')
  expect(odd.revoked).toEqual(['lost 3'])
})

test('what cannot be ended, because the list does not say by what, is only told', async () => {
  await using odd = await withOdd(() => listed(ours('odd-1'), { name: 'lost', enabled: false }))
  await odd.look()
  await pass(odd.broker, 'PT5M')
  expect(await odd.look()).toMatchObject({ orphans: [{ name: 'lost', enabled: false, state: 'reported' }], adoptedCount: 0 })
})

test('more than a report shows are counted, and removed a thousand at a time', async () => {
  const all = Array.from({ length: 1_300 }, (_, i) => ours(`lost-${i}`))
  await using odd = await withOdd(() => listed(ours('odd-1'), ...all))
  const first = await odd.look()
  expect(first).toMatchObject({ listed: 1_301, orphanCount: 1_300 })
  expect(first.orphans).toHaveLength(1_000)
  await odd.broker.clock.advance('PT75S')
  const second = await odd.look()
  expect(second).toMatchObject({ orphanCount: 300, adoptedCount: 1_000 })
  await pass(odd.broker, 'PT5M')
  expect(odd.revoked).toHaveLength(1_300)
})

test('a target that hangs and heeds no signal delays only itself', async () => {
  await using odd = await withOdd(async function* () {
    yield ours('odd-1')
    await new Promise(() => undefined)
  })
  await withUsers(odd.broker)
  orphan(odd.broker, 'm-app-lost')
  const whole = reconcile(odd.broker)
  expect(await usersFound(odd.broker)).toMatchObject({ orphanCount: 1 })
  await odd.broker.clock.leap('PT61S', 5_000)
  const { targets } = await whole
  expect(targets.find(({ mount }) => mount === 'odd/')).toMatchObject({ error: expect.any(String), orphanCount: 0 })
  expect(targets.find(({ mount }) => mount === 'users/')).toMatchObject({ orphanCount: 1 })
})

test('a listing that fails halfway tells its error and changes nothing', async () => {
  await using odd = await withOdd(async function* () {
    yield ours('lost')
    throw new Error('the connection broke, says a driver with secrets')
  })
  for (let i = 0; i < 3; i++) {
    const { error, orphanCount, missingCount } = await odd.look()
    expect({ orphanCount, missingCount }).toEqual({ orphanCount: 0, missingCount: 0 })
    expect(error).not.toContain('secrets')
    await pass(odd.broker, 'PT2M')
  }
  expect(odd.revoked).toEqual([])
})

test('a name that no target has ends the look, and fills nothing', async () => {
  await using odd = await withOdd(() => listed(ours('odd-1'), ours('x'.repeat(257))))
  expect(await odd.look()).toMatchObject({ error: expect.any(String), orphanCount: 0, listed: 0 })
})

test('of many who ask at once each target is listed for one', async () => {
  let most = 0
  await using odd = await withOdd(look => {
    most = look
    return listed(ours('odd-1'), ours('lost'))
  })
  await Promise.all(Array.from({ length: 20 }, () => odd.look()))
  expect(most).toBe(2)
})

test('nothing is given a lease at a mount that ends', async () => {
  await using odd = await withOdd(() => listed(ours('odd-1'), ours('lost')))
  await odd.look()
  await odd.broker.clock.advance('PT75S')
  await odd.broker.store.commit(
    [
      {
        kind: 'cascade.open',
        now: odd.broker.clock.now(),
        selector: { kind: 'mount', mount: odd.broker.life.parts()!.mounts.at('odd/x')!.mount.record.uuid },
        cause: 'mount-disabled',
        by: 'x'
      }
    ],
    []
  )
  expect(await odd.look()).toMatchObject({ orphans: [{ name: 'lost', state: 'waits' }], adoptedCount: 0 })
  await odd.broker.clock.advance('PT5S')
  expect(odd.revoked).not.toContain('lost')
})

test.each(['reconcile:before-adopt', 'reconcile:after-adopt-commit'] as const)('an end at %s leaves nothing behind', async point => {
  let die: (() => Promise<void>) | undefined
  await using odd = await withOdd(() => listed(ours('odd-1'), ours('lost')), {
    seal: 'shamir',
    at: here => (here === point ? die?.() : undefined)
  })
  await odd.look()
  await odd.broker.clock.advance('PT75S')
  let died = 0
  die = async () => {
    died++
    die = undefined
    void odd.broker.life.seal()
    throw new Error('the broker ends here')
  }
  await odd.look().catch(() => undefined)
  expect([died, odd.revoked]).toEqual([1, []])
  await odd.broker.clock.advance('PT5S')
  await odd.broker.unseal()
  await pass(odd.broker, 'PT3M')
  expect(odd.revoked).toEqual(['lost'])
  expect(await odd.broker.store.leasesNamed(['lost'])).toMatchObject([{ state: 'revoked', cause: 'reconciled' }])
})

test('a lease of a target that cannot be listed is a remark and no fault', async () => {
  await using broker = await smallBroker({ backends: [oddBackend(async () => [])] })
  await broker.ask('write', 'sys/mounts/odd', { type: 'odd' })
  await broker.ask('read', 'odd/creds/one')
  const [target] = (await reconcile(broker)).targets
  expect(target).toMatchObject({ note: 'this target cannot be listed', orphanCount: 0, missingCount: 0 })
  expect(target).not.toHaveProperty('error')
})

import { expect, test } from 'vitest'
import { expectEnded, login } from './under-test.ts'
import type { BackendUnderTest } from './under-test.ts'

export function knowingItsOwn(open: () => Promise<BackendUnderTest>): void {
  test('a list finds exactly what carries our mark', async () => {
    await using under = await open()
    const [kept, revoked, planned] = [
      await under.mount.issue(under.creds),
      await under.mount.issue(under.creds),
      await under.mount.plan(under.creds)
    ]
    if (!kept.plan.guarantees.listable) return
    await using _stranger = await under.occupy?.(planned.plan.name)
    expect(await under.mount.found(kept)).toEqual(expect.arrayContaining([kept.plan.name, revoked.plan.name]))
    expectEnded(await under.mount.revoke([revoked]))
    const found = await under.mount.found(kept)
    expect(found).toContain(kept.plan.name)
    expect(found).not.toContain(revoked.plan.name)
    expect(found).not.toContain(planned.plan.name)
  })

  test('what was found can be ended by what was found of it, sessions too', async () => {
    await using under = await open()
    const lease = await under.mount.issue(under.creds)
    if (!lease.plan.guarantees.listable) return
    const found = (await under.mount.listed(lease)).find(({ name }) => name === lease.plan.name)
    expect(found).toMatchObject({ enabled: true })
    if (found?.handle === undefined) return
    await using session = await login(under, lease)
    expectEnded(await under.mount.revoke([under.mount.adopted(lease, found)]))
    expect(await login(under, lease)).toBeUndefined()
    if (lease.plan.guarantees.endsSessions) expect(await session?.isOpen()).toBe(false)
    expect(await under.mount.found(lease)).not.toContain(lease.plan.name)
  })

  test('the targets that it tells are there before anything is issued', async () => {
    await using under = await open()
    const { plan } = await under.mount.plan(under.creds)
    const targets = await under.mount.backend.targets?.()
    if (targets) expect(targets).toContainEqual({ id: plan.target, credential: plan.credential })
  })

  test('a list tells until when the target keeps it, as issue and renew said', async () => {
    await using under = await open()
    const lease = await under.mount.issue(under.creds, { seconds: 600 })
    if (!lease.plan.guarantees.listable) return
    const untilOf = async () => (await under.mount.listed(lease)).find(({ name }) => name === lease.plan.name)?.until
    const until = await untilOf()
    if (!until) return
    expect(Math.abs(until.since(under.mount.clock.now().add({ seconds: 600 })).total('seconds'))).toBeLessThan(30)
    if (!lease.plan.renewable) return
    await under.mount.renew(lease, 1_200)
    expect((await untilOf())!.since(until).total('seconds')).toBeGreaterThan(570)
  })

  test('asked whether they were used, the target answers for each, and they work on', async () => {
    await using under = await open()
    const leases = [await under.mount.issue(under.creds), await under.mount.issue(under.creds)] as const
    await using session = await login(under, leases[0])
    expect(await session?.isOpen()).toBe(true)
    const { credential, target } = leases[0].plan
    const type = under.mount.backend.credentials[credential]!
    if (!type.observe) return
    const seen = await type.observe(
      target,
      leases.map(({ handle }) => handle),
      new AbortController().signal
    )
    expect(seen).toHaveLength(2)
    for (const usage of seen) {
      if (usage?.lastSeen && usage.firstSeen) expect(Temporal.Instant.compare(usage.firstSeen, usage.lastSeen)).toBeLessThanOrEqual(0)
      if (usage?.uses !== undefined) expect(usage.uses).toBeGreaterThanOrEqual(0)
    }
    await expect(type.observe(target, [leases[0].handle], AbortSignal.abort())).rejects.toThrow()
    await using again = await login(under, leases[1])
    expect(await again?.isOpen()).toBe(true)
  })

  test("the target's clock is a clock", async () => {
    await using under = await open()
    const lease = await under.mount.plan(under.creds)
    const credential = under.mount.credential(lease)
    const time = await credential.now?.(lease.plan.target, new AbortController().signal)
    if (time) expect(Math.abs(time.since(under.mount.clock.now()).total('seconds'))).toBeLessThan(60)
  })
}

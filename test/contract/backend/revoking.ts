import { expect, test } from 'vitest'
import { expectEnded, isMinted, login } from './under-test.ts'
import type { BackendUnderTest } from './under-test.ts'

export function revoking(open: () => Promise<BackendUnderTest>): void {
  test('revoked means out: no new login, and no session that was held open', async () => {
    await using under = await open()
    const lease = await under.mount.issue(under.creds)
    await using session = await login(under, lease)
    expect(await session?.isOpen()).toBe(true)
    expectEnded(await under.mount.revoke([lease]))
    expect(await login(under, lease)).toBeUndefined()
    if (lease.plan.guarantees.endsSessions) expect(await session?.isOpen()).toBe(false)
  })

  test('revoking twice is revoking once', async () => {
    await using under = await open()
    const lease = await under.mount.issue(under.creds)
    expectEnded(await under.mount.revoke([lease]))
    expectEnded(await under.mount.revoke([lease]))
    expect(await login(under, lease)).toBeUndefined()
  })

  test('a credential whose reply was lost is ended by what was planned', async () => {
    await using under = await open()
    const lease = await under.mount.plan(under.creds)
    // What is minted and did not leave has no lease, and so no end.
    if (isMinted(under, lease)) return
    const { handle, createBy } = lease
    await under.mount.perform(lease)
    const outcomes = await under.mount.revoke([{ ...lease, handle, ...(createBy && { createBy }) }])
    expectEnded(outcomes)
    expect(await login(under, lease)).toBeUndefined()
  })

  test('what never existed is gone, but not before it can no longer come to be', async () => {
    await using under = await open()
    const lease = await under.mount.plan(under.creds)
    if (isMinted(under, lease)) return
    const [early] = await under.mount.revoke([lease])
    expect(early?.kind).toBe('ended')
    if (early?.kind === 'ended') expect(Temporal.Instant.compare(early.again, lease.createBy!)).toBeGreaterThanOrEqual(0)
    const longAgo = under.mount.clock.now().subtract({ minutes: 10 })
    expect(await under.mount.revoke([{ ...lease, createBy: longAgo }])).toEqual([{ kind: 'gone' }])
  })

  test('a broker that died before it kept what came of a revocation revokes again', async () => {
    await using under = await open()
    const [lease, other] = [await under.mount.issue(under.creds), await under.mount.issue(under.creds)]
    await under.mount.revokeInVain([lease, other])
    await under.mount.reopen()
    expectEnded(await under.mount.revoke([lease, other]))
    await under.mount.runTasks()
    expect([await login(under, lease), await login(under, other)]).toEqual([undefined, undefined])
  })

  test('all that was made for one subject is found by it, until it has ended', async () => {
    await using under = await open()
    const [one, two] = [await under.mount.issue(under.creds), await under.mount.issue(under.creds)]
    const { subject } = one.plan
    if (subject === undefined || two.plan.subject !== subject) return
    const names = async () => (await under.mount.ofSubject(subject)).map(({ name }) => name)
    expect(await names()).toEqual([one.plan.name, two.plan.name])
    expectEnded(await under.mount.revoke([one]))
    expect(await names()).not.toContain(one.plan.name)
    expect(JSON.stringify(one.secret!.reveal())).not.toBe(JSON.stringify(two.secret!.reveal()))
  })

  test('one handle that cannot be read fails alone', async () => {
    await using under = await open()
    const leases = [
      await under.mount.issue(under.creds),
      await under.mount.plan(under.creds),
      await under.mount.issue(under.creds)
    ] as const
    leases[1].handle = null
    const [first, poisoned, last] = await under.mount.revoke(leases)
    expectEnded([first!, last!])
    expect(poisoned?.kind).toBe('failed')
    expect([await login(under, leases[0]), await login(under, leases[2])]).toEqual([undefined, undefined])
  })

  test("what has our name and not our mark is another's: not adopted, not touched, and it fails alone", async () => {
    await using under = await open()
    if (!under.occupy) return
    const lease = await under.mount.plan(under.creds)
    await using stranger = await under.occupy(lease.plan.name)
    await expect(under.mount.perform(lease)).rejects.toThrow()
    const other = await under.mount.issue(under.creds)
    const [foreign, ours] = await under.mount.revoke([lease, other])
    expect(foreign?.kind).toBe('failed')
    expectEnded([ours!])
    expect(await stranger.isUntouched()).toBe(true)
  })
}

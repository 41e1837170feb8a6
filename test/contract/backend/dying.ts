import { expect, test } from 'vitest'
import { expectEnded, login } from './under-test.ts'
import type { BackendUnderTest } from './under-test.ts'

export function dying(open: () => Promise<BackendUnderTest>): void {
  test('without a broker the target refuses what has expired, and a renewal moves that moment', { timeout: 60_000 }, async () => {
    await using under = await open()
    const [short, renewed] = [await under.mount.issue(under.creds, { seconds: 1 }), await under.mount.issue(under.creds, { seconds: 1 })]
    const until = under.mount.clock.now().add({ seconds: 1 })
    if (renewed.plan.renewable) await under.mount.renew(renewed, 3_600)
    await under.pass(until)
    if (short.plan.guarantees.diesByItself) expect(await login(under, short)).toBeUndefined()
    if (!renewed.plan.renewable) return
    await using session = await login(under, renewed)
    expect(await session?.isOpen()).toBe(true)
  })

  test('what was revoked cannot be renewed', async () => {
    await using under = await open()
    const lease = await under.mount.issue(under.creds)
    expectEnded(await under.mount.revoke([lease]))
    if (lease.plan.renewable) await expect(under.mount.renew(lease, 3_600)).rejects.toThrow()
    expect(await login(under, lease)).toBeUndefined()
  })

  test('it works on after a restart', async () => {
    await using under = await open()
    const lease = await under.mount.issue(under.creds)
    await under.mount.reopen()
    expectEnded(await under.mount.revoke([lease]))
    expect(await login(under, lease)).toBeUndefined()
  })

  test('a task that runs twice has done what it does once', async () => {
    await using under = await open()
    const [kept, revoked] = [await under.mount.issue(under.creds), await under.mount.issue(under.creds)]
    expectEnded(await under.mount.revoke([revoked]))
    await under.mount.runTasks()
    await under.mount.runTasks()
    await using session = await login(under, kept)
    expect(await session?.isOpen()).toBe(true)
    expect(await login(under, revoked)).toBeUndefined()
  })
}

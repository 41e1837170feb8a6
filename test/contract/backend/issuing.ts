import { expect, test } from 'vitest'
import { expectEnded, isMinted, login } from './under-test.ts'
import type { BackendUnderTest } from './under-test.ts'

export function issuing(open: () => Promise<BackendUnderTest>): void {
  test('what is issued logs in at the target', async () => {
    await using under = await open()
    const lease = await under.mount.issue(under.creds)
    await using session = await login(under, lease)
    expect(await session?.isOpen()).toBe(true)
  })

  test('a plan touches nothing: its name is unique, its credential in the table, and nothing is there yet', async () => {
    await using under = await open()
    const [one, two] = [await under.mount.plan(under.creds), await under.mount.plan(under.creds)]
    expect(one.plan.name).not.toBe(two.plan.name)
    expect(Object.keys(under.mount.backend.credentials)).toContain(one.plan.credential)
    if (one.plan.guarantees.listable) expect(await under.mount.found(one)).not.toContain(one.plan.name)
  })

  test('nothing that is kept holds the secret', async () => {
    await using under = await open()
    const lease = await under.mount.issue(under.creds)
    const { recipe, handle } = lease.plan
    const visible = { ...lease.plan.visible, ...lease.visible }
    const kept = JSON.stringify([recipe, visible, handle, lease.handle, lease.plan.name])
    const secrets = Object.entries(lease.secret!.reveal()).filter(([key, value]) => !(key in visible) && typeof value === 'string')
    expect(secrets).not.toEqual([])
    for (const [, secret] of secrets) expect(kept).not.toContain(secret)
  })

  test('nothing takes effect after the moment until which it may', async () => {
    await using under = await open()
    const lease = await under.mount.plan(under.creds)
    if (isMinted(under, lease)) return
    const createBy = under.mount.clock.now().subtract({ minutes: 1 })
    await expect(under.mount.perform(lease, { createBy })).rejects.toThrow()
    if (lease.plan.guarantees.listable) expect(await under.mount.found(lease)).not.toContain(lease.plan.name)
  })

  test('an aborted signal is honoured, and what it may have left is ended', async () => {
    await using under = await open()
    const before = await under.mount.plan(under.creds)
    await expect(under.mount.revoke([before], AbortSignal.abort())).rejects.toThrow()
    if (isMinted(under, before)) return
    await expect(under.mount.perform(before, { signal: AbortSignal.abort() })).rejects.toThrow()
    const during = await under.mount.plan(under.creds)
    const controller = new AbortController()
    const performed = under.mount.perform(during, { signal: controller.signal }).catch(() => undefined)
    controller.abort()
    await performed
    expectEnded(await under.mount.revoke([before, during]))
    if (before.plan.guarantees.listable) expect(await under.mount.found(before)).not.toContain(during.plan.name)
    await expect(under.mount.revoke([before], AbortSignal.abort())).rejects.toThrow()
  })
}

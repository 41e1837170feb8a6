/** What every backend must prove, at its real target. A third party runs it on its own:
 *
 *  ```ts
 *  import { backendContract, TestMount } from 'mayfly/testing'
 *  backendContract('my backend', openMine)
 *  ``` */
import { describe, expect, test } from 'vitest'
import type { JsonObject, RevokeOutcome } from '../../src/contracts/index.ts'
import type { TestLease, TestMount } from './test-mount.ts'

/** A backend, mounted and configured, and what an application does at its target. */
export interface BackendUnderTest extends AsyncDisposable {
  readonly mount: TestMount
  /** A path whose read issues: `creds/app`. */
  readonly creds: string
  /** With what a caller was given. Nothing: the target refuses. */
  login(secret: JsonObject): Promise<Session | undefined>
  /** Resolves when the target's own clock has passed `instant` by so much that it refuses what ended then. */
  pass(instant: Temporal.Instant): Promise<void>
  /** Makes something of this very name at the target that does not carry our mark, where the target has names that somebody else can take. */
  occupy?(name: string): Promise<Stranger>
}

export interface Session extends AsyncDisposable {
  /** Whether the target still answers it. */
  isOpen(): Promise<boolean>
}

/** What belongs to somebody else. */
export interface Stranger extends AsyncDisposable {
  isUntouched(): Promise<boolean>
}

export function backendContract(name: string, open: () => Promise<BackendUnderTest>): void {
  describe(`${name} keeps the contract of a backend`, () => {
    issuing(open)
    revoking(open)
    dying(open)
    knowingItsOwn(open)
  })
}

function issuing(open: () => Promise<BackendUnderTest>): void {
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
    const createBy = under.mount.clock.now().subtract({ minutes: 1 })
    await expect(under.mount.perform(lease, { createBy })).rejects.toThrow()
    if (lease.plan.guarantees.listable) expect(await under.mount.found(lease)).not.toContain(lease.plan.name)
  })

  test('an aborted signal is honoured, and what it may have left is ended', async () => {
    await using under = await open()
    const before = await under.mount.plan(under.creds)
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

function revoking(open: () => Promise<BackendUnderTest>): void {
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
    const { handle, createBy } = lease
    await under.mount.perform(lease)
    const outcomes = await under.mount.revoke([{ ...lease, handle, ...(createBy && { createBy }) }])
    expectEnded(outcomes)
    expect(await login(under, lease)).toBeUndefined()
  })

  test('what never existed is gone, but not before it can no longer come to be', async () => {
    await using under = await open()
    const lease = await under.mount.plan(under.creds)
    const [early] = await under.mount.revoke([lease])
    expect(early?.kind).toBe('ended')
    if (early?.kind === 'ended') expect(Temporal.Instant.compare(early.again, lease.createBy!)).toBeGreaterThanOrEqual(0)
    const longAgo = under.mount.clock.now().subtract({ minutes: 10 })
    expect(await under.mount.revoke([{ ...lease, createBy: longAgo }])).toEqual([{ kind: 'gone' }])
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

function dying(open: () => Promise<BackendUnderTest>): void {
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

function knowingItsOwn(open: () => Promise<BackendUnderTest>): void {
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

  test("the target's clock is a clock", async () => {
    await using under = await open()
    const lease = await under.mount.plan(under.creds)
    const credential = under.mount.credential(lease)
    const time = await credential.now?.(lease.plan.target, new AbortController().signal)
    if (time) expect(Math.abs(time.since(under.mount.clock.now()).total('seconds'))).toBeLessThan(60)
  })
}

async function login(under: BackendUnderTest, lease: TestLease): Promise<Session | undefined> {
  return under.login(lease.secret!.reveal())
}

/** No login and no session; proof or clean-up may be pending. */
function expectEnded(outcomes: readonly RevokeOutcome[]): void {
  for (const outcome of outcomes) expect(['gone', 'ended'], JSON.stringify(outcome)).toContain(outcome.kind)
}

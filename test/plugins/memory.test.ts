import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { memory } from '../../plugins/memory/index.ts'
import { addUser, isSessionOpen, login, usersOf } from '../../plugins/memory/target.ts'
import { systemRandom } from '../../src/system-clock.ts'
import { backendContract } from '../contract/backend-contract.ts'
import type { BackendUnderTest } from '../contract/backend-contract.ts'
import { TestMount } from '../contract/test-mount.ts'
import { TestClock } from '../sim/test-clock.ts'

backendContract('memory', openMemory)

async function openMemory(): Promise<BackendUnderTest & { readonly file: string; readonly clock: TestClock }> {
  const clock = new TestClock()
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-memory-'))
  const file = join(folder, 'users.db')
  const mount = await TestMount.open(memory, { clock, random: systemRandom })
  await mount.write('config', { path: file })
  await mount.write('roles/app', { default_ttl: '1h' })
  return {
    mount,
    file,
    clock,
    creds: 'creds/app',
    async login({ username, password }) {
      const session = login(file, username as string, password as string, clock.now())
      return session === undefined ? undefined : { isOpen: async () => isSessionOpen(file, session), [Symbol.asyncDispose]: async () => {} }
    },
    pass: async instant => clock.advance(instant.since(clock.now()).total('milliseconds') + 1),
    async occupy(name) {
      addUser(file, { name, mark: 'of somebody else', until: clock.now().add({ hours: 1 }) }, 'their password')
      return {
        isUntouched: async () => login(file, name, 'their password', clock.now()) !== undefined,
        [Symbol.asyncDispose]: async () => {}
      }
    },
    async [Symbol.asyncDispose]() {
      await mount[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    }
  }
}

const fault = (under: BackendUnderTest, effect: string, fault: string, count = 1) => under.mount.write('faults', { effect, fault, count })

describe('the faults of memory', () => {
  test('a failure before the effect leaves nothing', async () => {
    await using under = await openMemory()
    await fault(under, 'issue', 'fail_before')
    await expect(under.mount.issue('creds/app')).rejects.toThrow('failed before')
    expect(usersOf(under.file)).toEqual([])
  })

  test('a failure after the effect, and a lost reply, leave a user whom a revocation ends', async () => {
    await using under = await openMemory()
    await fault(under, 'issue', 'fail_after')
    const failed = await under.mount.plan('creds/app')
    await expect(under.mount.perform(failed)).rejects.toThrow('failed after')
    await fault(under, 'issue', 'lose_reply')
    const lost = await under.mount.plan('creds/app')
    using deadline = under.clock.within(5_000)
    const performed = expect(under.mount.perform(lost, { signal: deadline.signal })).rejects.toMatchObject({ code: 'target_silent' })
    await under.clock.advance('PT5S')
    await performed
    expect(usersOf(under.file)).toHaveLength(2)
    expect(await under.mount.revoke([failed, lost])).toEqual([{ kind: 'gone' }, { kind: 'gone' }])
    expect(usersOf(under.file)).toEqual([])
  })

  test('a target that hangs does nothing, and lets go when the signal says so', async () => {
    await using under = await openMemory()
    const lease = await under.mount.issue('creds/app')
    await fault(under, 'revoke', 'hang')
    using deadline = under.clock.within(5_000)
    const revoked = expect(under.mount.revoke([lease], deadline.signal)).rejects.toMatchObject({ code: 'target_silent' })
    await under.clock.advance('PT5S')
    await revoked
    expect(usersOf(under.file)).toHaveLength(1)
  })

  test('a fault lasts for its count, or until it is switched off', async () => {
    await using under = await openMemory()
    await fault(under, 'renew', 'fail_before', 2)
    const lease = await under.mount.issue('creds/app')
    await expect(under.mount.renew(lease, 60)).rejects.toThrow()
    await expect(under.mount.renew(lease, 60)).rejects.toThrow()
    await under.mount.renew(lease, 60)
    await under.mount.write('faults', { effect: 'renew', fault: 'fail_after' })
    for (let i = 0; i < 3; i++) await expect(under.mount.renew(lease, 60)).rejects.toThrow()
    await under.mount.write('faults', { effect: 'renew', fault: 'none' })
    await under.mount.renew(lease, 60)
  })
})

describe('the paths of memory', () => {
  test('another file is another target, and a lease is ended in the file where it lives', async () => {
    await using under = await openMemory()
    const lease = await under.mount.issue('creds/app')
    await under.mount.write('config', { path: under.file.replace('users', 'others') })
    const moved = await under.mount.issue('creds/app')
    expect(moved.plan.target).not.toBe(lease.plan.target)
    expect(await under.mount.revoke([lease])).toEqual([{ kind: 'gone' }])
    expect(usersOf(under.file)).toEqual([])
  })

  test('a file that is no file of users is refused when it is written', async () => {
    await using under = await openMemory()
    for (const path of ['', 'users.db', '/etc/passwd', '/nowhere/users.db', '/etc/passwd\0.db'])
      await expect(under.mount.write('config', { path })).rejects.toMatchObject({ code: 'invalid_request' })
  })

  test('an unknown role, and one without a config, are refused in words', async () => {
    await using under = await openMemory()
    await expect(under.mount.read('creds/nobody')).rejects.toThrow('unknown role: nobody')
    await using bare = await TestMount.open(memory, { clock: under.clock, random: systemRandom })
    await bare.write('roles/app', {})
    await expect(bare.read('creds/app')).rejects.toThrow('no config yet')
  })

  test('compacting clears away removed users and no others', async () => {
    await using under = await openMemory()
    const [kept, revoked] = [await under.mount.issue('creds/app'), await under.mount.issue('creds/app')]
    await under.mount.revoke([revoked])
    await under.mount.runTasks()
    expect(usersOf(under.file).map(user => user.name)).toEqual([kept.plan.name])
    const [task] = under.mount.rows.tasks
    expect(task?.dueAt.since(under.clock.now()).total('hours')).toBe(1)
  })
})

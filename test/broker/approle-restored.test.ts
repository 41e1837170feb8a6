/** A store that was put back to an older state does not know which secret ids were used since. */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { TestClock } from '../sim/test-clock.ts'
import { dataOf, smallBroker } from './small-broker.ts'
import type { SmallBroker } from './small-broker.ts'

const role = 'auth/approle/role/shop'

test.each(['restored', 'copy'] as const)(
  'after a resume with --%s no counted secret id is good once more; what is not counted is',
  async as => {
    const folder = await mkdtemp(join(tmpdir(), 'mayfly-approle-restored-'))
    const clock = new TestClock()
    const open = (name: string) => openSqlite({ path: join(folder, name), reserveBytes: 65_536 })
    await using original = await smallBroker({ clock, store: await open('data') })
    await original.ask('write', 'sys/auth/approle', { type: 'approle' })
    await original.ask('write', role, { token_policies: 'default' })
    const { role_id } = dataOf(await original.ask('read', `${role}/role-id`))
    const once = dataOf(await original.ask('write', `${role}/secret-id`, { num_uses: 1 }))
    const often = dataOf(await original.ask('write', `${role}/secret-id`))
    await original.life.seal()
    await cp(join(folder, 'data'), join(folder, 'older'), { recursive: true, preserveTimestamps: true })

    await using resumed = await smallBroker({ clock, store: await open('older'), root: original.root })
    await resumed.ask('write', 'sys/resume', { as })
    const logIn = (broker: SmallBroker, { secret_id }: typeof once) =>
      broker.ask('write', 'auth/approle/login', { role_id: role_id!, secret_id: secret_id! }, '')
    await expect(logIn(resumed, once)).rejects.toMatchObject({ message: 'invalid role or secret ID' })
    expect((await logIn(resumed, often)).status).toBe(200)
    expect((await logIn(resumed, dataOf(await resumed.ask('write', `${role}/secret-id`, { num_uses: 1 })))).status).toBe(200)
    await rm(folder, { recursive: true })
  }
)

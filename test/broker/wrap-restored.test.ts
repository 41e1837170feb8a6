/** A store that was put back to an older state does not know what was opened since. */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { login } from '../../plugins/memory/target.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { TestClock } from '../sim/test-clock.ts'
import { infoOf, notValid, openedBy, refusal, unwrap, wrapped } from './wrapping.ts'
import { smallBroker, withUsers } from './small-broker.ts'

test('after a restore nothing opens a second time, and what was opened is taken from nobody', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-wrap-restored-'))
  const clock = new TestClock()
  const open = (name: string) => openSqlite({ path: join(folder, name), reserveBytes: 65_536 })
  await using original = await smallBroker({ clock, store: await open('data') })
  await withUsers(original)
  const { token } = await wrapped(original, 'users/creds/app', 600)
  const other = infoOf(await original.ask('write', 'auth/token/create', { ttl: '1h' }, original.root, 600))
  await original.life.seal()
  await cp(join(folder, 'data'), join(folder, 'older'), { recursive: true, preserveTimestamps: true })
  await original.life[Symbol.asyncDispose]()
  await original.store[Symbol.asyncDispose]()

  // Opened after the backup was made, by whoever lost their server then.
  let taken: { username: string; password: string }
  {
    await using lived = await smallBroker({ clock, store: await open('data'), root: original.root })
    taken = (await openedBy(lived, token)) as typeof taken
    await unwrap(lived, other.token)
  }
  await using restored = await smallBroker({ clock, store: await open('older'), root: original.root })
  await restored.ask('write', 'sys/resume', { as: 'restored' })
  for (const one of [token, other.token]) expect(await refusal(unwrap(restored, one))).toMatchObject(notValid)
  await clock.advance('PT11M')
  expect(login(original.target, taken.username, taken.password, clock.now())).toBeTruthy()
  expect((await restored.ask('write', 'auth/token/lookup-accessor', { accessor: other.wrapped_accessor! })).status).toBe(200)
  await rm(folder, { recursive: true })
})

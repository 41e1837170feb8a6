/** Static roles on the whole broker, with a clock that the test winds, over a server that is a file of users. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { database } from '../../plugins/database/index.ts'
import { addUser, inTarget, login } from '../../plugins/memory/target.ts'
import { dataOf, smallBroker } from '../broker/small-broker.ts'
import type { SmallBroker } from '../broker/small-broker.ts'
import { FileDriver } from './file-driver.ts'

interface Stand extends SmallBroker {
  readonly driver: FileDriver
  readonly server: string
  mayLogIn(username: string, password: string): boolean
}

async function stand(): Promise<Stand> {
  const driver = new FileDriver()
  const broker = await smallBroker({ backends: [database], databaseDrivers: [driver] })
  const server = join(broker.folder, 'server.db')
  await broker.ask('write', 'sys/mounts/db', { type: 'database' })
  await broker.ask('write', 'db/config/main', {
    plugin_name: 'file-database-plugin',
    host: server,
    username: 'admin',
    password: 'first',
    allowed_roles: '*'
  })
  for (const name of ['app', 'other']) addUser(server, { name, mark: '', until: broker.clock.now().add({ hours: 24 * 365 }) }, 'theirs')
  return {
    ...broker,
    driver,
    server,
    mayLogIn: (username, password) => login(server, username, password, broker.clock.now()) !== undefined,
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose]()
  }
}

/** Lets the sweeper get to what is due. */
const soon = 'PT2S'

async function read(broker: Stand, name = 'app'): Promise<any> {
  const asked = broker.ask('read', `db/static-creds/${name}`)
  await broker.clock.advance('PT4S')
  return dataOf(await asked)
}

async function write(broker: Stand, path: string, data = {}) {
  const asked = broker.ask('write', path, data)
  asked.catch(() => undefined)
  await broker.clock.advance(soon)
  return await asked
}

const role = { db_name: 'main', username: 'app', rotation_period: '24h' }

test('a static role takes its account over at once, and counts down to the next password', async () => {
  await using broker = await stand()
  await write(broker, 'db/static-roles/app', role)
  const first = await read(broker)
  expect(first).toMatchObject({
    username: 'app',
    rotation_period: 86_400,
    last_vault_rotation: expect.stringMatching(/^2026-11-25T12:00:0\dZ$/)
  })
  expect(broker.mayLogIn('app', first.password)).toBe(true)
  expect(broker.mayLogIn('app', 'theirs')).toBe(false)
  expect(first.ttl).toBeLessThanOrEqual(86_400)
  expect(first.ttl).toBeGreaterThan(86_400 - 70)
  await broker.clock.leap('PT1H', 1_000)
  expect((await read(broker)).ttl).toBeLessThan(first.ttl - 3_590)
})

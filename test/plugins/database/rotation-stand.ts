/** The database engine on the whole broker, with a clock that the test winds, over servers that are files of users. */
import { join } from 'node:path'
import { database } from '../../../plugins/database/index.ts'
import { addUser, login } from '../../../plugins/memory/target.ts'
import type { JsonObject } from '../../../src/contracts/index.ts'
import { dataOf, smallBroker } from '../../broker/small-broker.ts'
import type { SmallBroker } from '../../broker/small-broker.ts'
import { FileDriver } from './file-driver.ts'

export interface RotationStand extends SmallBroker {
  readonly driver: FileDriver
  readonly server: string
  readonly connection: JsonObject
  mayLogIn(username: string, password: string): boolean
  /** A write, and time for the sweeper to get to what it made due. */
  write(path: string, data?: JsonObject): Promise<Awaited<ReturnType<SmallBroker['ask']>>>
  read(path: string): Promise<any>
  /** The lines of the audit that tell of tasks: what each did, or its error. */
  told(): Promise<readonly string[]>
}

const soon = 'PT4S'

export async function rotationStand(): Promise<RotationStand> {
  const driver = new FileDriver()
  const broker = await smallBroker({ backends: [database], databaseDrivers: [driver] })
  const server = join(broker.folder, 'server.db')
  const connection = { plugin_name: 'file-database-plugin', host: server, username: 'admin', password: 'first', allowed_roles: '*' }
  await broker.ask('write', 'sys/mounts/db', { type: 'database' })
  await broker.ask('write', 'db/config/main', connection)
  for (const name of ['app', 'other']) addUser(server, { name, mark: '', until: broker.clock.now().add({ hours: 24 * 365 }) }, 'theirs')
  const waited = async (asked: ReturnType<SmallBroker['ask']>) => {
    asked.catch(() => undefined)
    await broker.clock.advance(soon)
    return await asked
  }
  return Object.assign(broker, {
    driver,
    server,
    connection,
    mayLogIn: (username: string, password: string) => login(server, username, password, broker.clock.now()) !== undefined,
    write: (path: string, data: JsonObject = {}) => waited(broker.ask('write', path, data)),
    read: async (path: string) => dataOf(await waited(broker.ask('read', path))),
    async told() {
      const entries = (await broker.store.auditLines(0, 10_000)).map(({ line }) => JSON.parse(line))
      return entries.filter(({ operation }) => operation === 'task').map(({ task, error }) => error ?? task.did)
    }
  })
}

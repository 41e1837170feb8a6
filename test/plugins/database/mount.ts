import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { database } from '../../../plugins/database/index.ts'
import { addUser, isSessionOpen, login } from '../../../plugins/memory/target.ts'
import { systemRandom } from '../../../src/system-clock.ts'
import type { BackendUnderTest } from '../../contract/backend-contract.ts'
import { TestMount } from '../../contract/test-mount.ts'
import { TestClock } from '../../sim/test-clock.ts'
import { FileDriver } from './file-driver.ts'

export interface DatabaseMount extends BackendUnderTest {
  readonly driver: FileDriver
  readonly clock: TestClock
  /** A path for one more server. */
  server(name: string): string
  readonly connection: {
    readonly plugin_name: string
    readonly host: string
    readonly username: string
    readonly password: string
    readonly allowed_roles: string
  }
}

const passwordPolicies = new Map([['strong', `length = 40 rule "charset" { charset = "abcdef!'$&" min-chars = 1 }`]])

/** The engine over files of users, with a connection `main` and a role `app`. */
export async function openDatabaseMount(): Promise<DatabaseMount> {
  const [clock, driver] = [new TestClock(), new FileDriver()]
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-database-'))
  const server = (name: string): string => join(folder, `${name}.db`)
  const mount = await TestMount.open(database, { clock, random: systemRandom, databaseDrivers: [driver], passwordPolicies })
  const connection = {
    plugin_name: 'file-database-plugin',
    host: server('main'),
    username: 'admin',
    password: 'first',
    allowed_roles: 'app'
  }
  await mount.write('config/main', connection)
  await mount.write('roles/app', { db_name: 'main', creation_statements: 'create "{{name}}"', default_ttl: '1h', max_ttl: '24h' })
  return {
    mount,
    clock,
    driver,
    server,
    connection,
    creds: 'creds/app',
    async login({ username, password }) {
      const session = login(server('main'), username as string, password as string, clock.now())
      return session === undefined
        ? undefined
        : { isOpen: async () => isSessionOpen(server('main'), session), [Symbol.asyncDispose]: async () => {} }
    },
    pass: async instant => clock.advance(instant.since(clock.now()).total('milliseconds') + 1),
    async occupy(name) {
      addUser(
        server('main'),
        { name, mark: 'mayfly:1:somebody:else:0000000000000000', until: clock.now().add({ hours: 1 }) },
        'their password'
      )
      return {
        isUntouched: async () => login(server('main'), name, 'their password', clock.now()) !== undefined,
        [Symbol.asyncDispose]: async () => {}
      }
    },
    async [Symbol.asyncDispose]() {
      await mount[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    }
  }
}

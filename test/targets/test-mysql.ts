/** A real MariaDB or MySQL for tests, the demo, the benchmarks and the crash suite. */
import { randomBytes } from 'node:crypto'
import { createConnection } from 'mysql2/promise'
import { MysqlAccess } from './mysql-access.ts'
import type { MysqlAddress } from './mysql-access.ts'
import { fillMysql } from './mysql-content.ts'
import type { Flavour } from './mysql-flavours.ts'
import { MysqlServer } from './mysql-server.ts'

/** A server with what an administrator would have prepared: see mysql-content.ts. Disposed: the server ended, its folder removed. */
export class TestMysql extends MysqlAccess {
  readonly #server: MysqlServer

  constructor(server: MysqlServer, address: MysqlAddress) {
    super(address)
    this.#server = server
  }

  /** Starts it again after `stop` or `kill`, on the same port. */
  start(): Promise<void> {
    return this.#server.start()
  }

  stop(): Promise<void> {
    return this.#server.stop()
  }

  kill(): Promise<void> {
    return this.#server.kill()
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]()
    await this.#server[Symbol.asyncDispose]()
  }
}

/** `tls`: the files `cert.pem`, `key.pem` and `ca.pem` of a server that has TLS. */
export async function startMysql(
  flavour: Flavour,
  settings: Readonly<Record<string, string>> = {},
  tls: Readonly<Record<string, string>> = {}
): Promise<TestMysql> {
  const [superuser, password] = ['tester', newPassword()]
  const server = await MysqlServer.start({ flavour, settings, tls, superuser, password })
  try {
    const { host, port, logFile } = server
    const admin = { user: 'mayfly', password: newPassword() }
    const connection = await createConnection({ host, port, user: superuser, password })
    await fillMysql(connection, admin, flavour)
    await connection.end()
    return new TestMysql(server, { flavour, host, port, superuser, password, logFile, admin })
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
}

const newPassword = (): string => randomBytes(24).toString('base64url')

import { createConnection, createPool } from 'mysql2/promise'
import type { Connection, ConnectionOptions, Pool } from 'mysql2/promise'
import type { MysqlAccount } from './mysql-content.ts'
import type { Flavour } from './mysql-flavours.ts'

/** What it takes to use a test server from any process. */
export interface MysqlAddress {
  readonly flavour: Flavour
  readonly host: string
  readonly port: number
  readonly superuser: string
  readonly password: string
  /** The general log, for canary scans. */
  readonly logFile: string
  /** The account for the broker: exactly the rights of a careful administrator. */
  readonly admin: MysqlAccount
}

export type MysqlRow = Record<string, unknown>

/** A test server as its clients see it. */
export class MysqlAccess implements AsyncDisposable {
  readonly address: MysqlAddress
  readonly flavour: Flavour
  readonly host: string
  readonly port: number
  readonly admin: MysqlAccount
  readonly logFile: string
  readonly #pool: Pool

  constructor(address: MysqlAddress) {
    this.address = address
    this.flavour = address.flavour
    this.host = address.host
    this.port = address.port
    this.admin = address.admin
    this.logFile = address.logFile
    this.#pool = createPool({ ...this.#config(), connectionLimit: 4 })
  }

  /** As the superuser in the database `app`. */
  async query(sql: string, values: readonly unknown[] = []): Promise<readonly MysqlRow[]> {
    const [rows] = await this.#pool.query(sql, [...values])
    return Array.isArray(rows) ? (rows as MysqlRow[]) : []
  }

  /** A session that the caller ends. It may be ended by the server: then queries reject, nothing else happens. */
  async connect(as: MysqlAccount & { readonly database?: string; readonly multipleStatements?: boolean }): Promise<Connection> {
    const connection = await createConnection({ ...this.#config(), ...as })
    connection.on('error', () => undefined)
    return connection
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.end()
  }

  #config(): ConnectionOptions {
    const { host, port, superuser: user, password } = this.address
    return { host, port, user, password, database: 'app' }
  }
}

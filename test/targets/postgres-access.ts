import { randomBytes } from 'node:crypto'
import { Client, Pool } from 'pg'
import type { ClientConfig } from 'pg'
import { templateDatabase } from './postgres-content.ts'

export interface PostgresAccount {
  readonly user: string
  readonly password: string
}

/** What it takes to use a test server from any process. */
export interface PostgresAddress {
  readonly host: string
  readonly port: number
  readonly superuser: string
  readonly password: string
  /** What the server logs, for canary scans. */
  readonly logFile: string
  /** The account for the broker: no superuser, exactly the rights of a careful administrator. */
  readonly admin: PostgresAccount
}

export type Row = Record<string, unknown>

/** A test server as its clients see it. */
export class PostgresAccess implements PostgresAddress, AsyncDisposable {
  readonly address: PostgresAddress
  readonly host: string
  readonly port: number
  readonly superuser: string
  readonly password: string
  readonly logFile: string
  readonly admin: PostgresAccount
  readonly #pool: Pool

  constructor(address: PostgresAddress) {
    this.address = address
    this.host = address.host
    this.port = address.port
    this.superuser = address.superuser
    this.password = address.password
    this.logFile = address.logFile
    this.admin = address.admin
    this.#pool = new Pool({ ...this.#config(), max: 4, allowExitOnIdle: true })
    // A server that is stopped or killed ends idle connections; the next query opens another.
    this.#pool.on('error', () => undefined)
  }

  /** As the superuser in the database `app`, or as somebody else over a connection of its own. */
  async query(
    sql: string,
    params: readonly unknown[] = [],
    as?: PostgresAccount & { readonly database?: string }
  ): Promise<readonly Row[]> {
    if (!as) return (await this.#pool.query<Row>(sql, [...params])).rows
    const client = await this.connect(as)
    try {
      return (await client.query<Row>(sql, [...params])).rows
    } finally {
      await client.end()
    }
  }

  /** A session that the caller ends. It may be ended by the server: then queries reject, nothing else happens. */
  async connect(as: PostgresAccount & { readonly database?: string }): Promise<Client> {
    const client = new Client({ ...this.#config(), ...as })
    client.on('error', () => undefined)
    await client.connect()
    return client
  }

  /** A database of one's own, with the tables of `app`; roles are the server's, and so everybody's. Dropped when disposed, with its sessions. */
  async newDatabase(): Promise<{ readonly name: string } & AsyncDisposable> {
    const name = `app_${randomBytes(6).toString('hex')}`
    await this.query(`create database ${name} template ${templateDatabase} owner app_owner`)
    return { name, [Symbol.asyncDispose]: async () => void (await this.query(`drop database ${name} with (force)`)) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.end()
  }

  #config(): ClientConfig {
    // Everything is said, so that nothing comes from PG* in the environment.
    return {
      host: this.host,
      port: this.port,
      user: this.superuser,
      password: this.password,
      database: 'app',
      ssl: false,
      options: '',
      application_name: 'mayfly-test'
    }
  }
}

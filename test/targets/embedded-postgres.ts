/** A real PostgreSQL for tests, the demo, the benchmarks and the crash suite. */
import { randomBytes } from 'node:crypto'
import type { ClientConfig } from 'pg'
import { PostgresAccess } from './postgres-access.ts'
import type { PostgresAddress } from './postgres-access.ts'
import { fillPostgres } from './postgres-content.ts'
import { PostgresServer } from './postgres-server.ts'

export interface TestPostgresOptions {
  /** Settings of postgresql.conf, such as `{ log_statement: 'all' }`. `fsync` is on unless they say otherwise. */
  readonly settings?: Readonly<Record<string, string>>
  /** Leave its folder there at the end, for a look at the log. */
  readonly keep?: boolean
}

/** A server with what an administrator would have prepared: see postgres-content.ts. Disposed: the server ended, its folder removed. */
export class TestPostgres extends PostgresAccess implements AsyncDisposable {
  readonly #server: PostgresServer

  constructor(server: PostgresServer, address: PostgresAddress) {
    super(address)
    this.#server = server
  }

  get pid(): number {
    return this.#server.pid
  }

  /** Starts it again after `stop` or `kill`, on the same port. */
  start(): Promise<void> {
    return this.#server.start()
  }

  /** Ends it in order; sessions are ended. */
  stop(): Promise<void> {
    return this.#server.stop()
  }

  /** SIGKILL: no word to clients, no checkpoint. */
  kill(): Promise<void> {
    return this.#server.kill()
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]()
    await this.#server[Symbol.asyncDispose]()
  }
}

export async function startPostgres(options: TestPostgresOptions = {}): Promise<TestPostgres> {
  const [superuser, password] = ['postgres', newPassword()]
  const server = await PostgresServer.start({ settings: options.settings ?? {}, keep: options.keep ?? false, superuser, password })
  try {
    const { host, port, logFile } = server
    const admin = { user: 'mayfly', password: newPassword() }
    await fillPostgres({ host, port, user: superuser, password, ssl: false } satisfies ClientConfig, admin)
    return new TestPostgres(server, { host, port, superuser, password, logFile, admin })
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
}

function newPassword(): string {
  return randomBytes(24).toString('base64url')
}

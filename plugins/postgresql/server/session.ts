import type { Socket } from 'node:net'
import { Client } from 'pg'
import type { ClientConfig } from 'pg'
import { Misbehaviour } from './errors.ts'
import type { Settings } from './settings.ts'
import { tlsOptions } from './tls-mode.ts'

const lockTimeoutMs = 3_000
export const statementTimeoutMs = 10_000
export const idleInTransactionMs = 10_000
// A hostile server may answer for ever. A page of 1,000 users is 200 kB.
const answerBytesMax = 8 * 1024 * 1024

export type Row = Readonly<Record<string, unknown>>
export type Result = { readonly command: string | null; readonly rows: readonly Row[] }

/** One connection. Whatever leaves its state in doubt closes it: an abort, a lost answer, an answer without end. */
export class Session {
  readonly #client: Client
  #bytes = 0
  #usable = false
  #retired = false
  #version = 0

  private constructor(client: Client) {
    this.#client = client
    client.on('error', () => this.#lose())
    client.on('end', () => this.#lose())
  }

  static async open(settings: Settings, host: string, address: string, port: number, signal: AbortSignal): Promise<Session> {
    signal.throwIfAborted()
    const client = new Client(clientConfig(settings, host, address, port))
    const session = new Session(client)
    session.#watch()
    try {
      await session.#until(signal, () => client.connect())
    } catch (error) {
      session.destroy()
      throw error
    }
    session.#usable = true
    return session
  }

  get usable(): boolean {
    return this.#usable && !this.#retired
  }

  /** Of the server: `16`. */
  get version(): number {
    return this.#version
  }

  /** One query message: its statements run in order, and the first failure stops the rest. */
  async run(sql: string, signal: AbortSignal): Promise<readonly Result[]> {
    if (sql.includes('\0')) throw new Error('a statement contains NUL')
    this.#bytes = 0
    const answer: unknown = await this.#until(signal, () => this.#client.query(sql))
    return (Array.isArray(answer) ? answer : [answer]) as readonly Result[]
  }

  /** Usable until its present work is done. */
  retire(): void {
    this.#retired = true
  }

  /** Says good-bye without waiting for an answer, which may never come. */
  async close(): Promise<void> {
    if (!this.#usable) return this.destroy()
    this.#usable = false
    const ended = this.#client.end()
    ;(this.#client.connection.stream as Socket).destroySoon()
    await ended
  }

  destroy(): void {
    this.#usable = false
    this.#client.connection.stream.destroy()
  }

  async #until<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const stop = () => this.destroy()
    if (signal.aborted) stop()
    signal.throwIfAborted()
    signal.addEventListener('abort', stop, { once: true })
    try {
      return await work()
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  #watch(): void {
    const { connection } = this.#client
    const count = () => connection.stream.on('data', (chunk: Uint8Array) => this.#count(chunk.byteLength))
    connection.once(this.#client.ssl ? 'sslconnect' : 'connect', count)
    connection.on('parameterStatus', ({ parameterName, parameterValue }: { parameterName: string; parameterValue: string }) => {
      if (parameterName === 'server_version') this.#version = Number.parseInt(parameterValue, 10)
    })
    // Only a server that is not what it claims, or a relay, asks for the password itself. First in line, before the library answers.
    connection.on('authenticationCleartextPassword', () => connection.stream.destroy(new Misbehaviour('it asks for a clear-text password')))
  }

  #count(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes > answerBytesMax) this.#client.connection.stream.destroy(new Misbehaviour('an answer without end'))
  }

  #lose(): void {
    this.#usable = false
  }
}

/** Every field is given, so that no `PG*` variable, `.pgpass` or URL has a say. */
function clientConfig(settings: Settings, host: string, address: string, port: number): ClientConfig {
  const config = {
    host: address,
    port,
    user: settings.username,
    database: settings.database,
    // An empty text would be looked for elsewhere; a function is asked.
    password: () => settings.password,
    ssl: tlsOptions(settings, host),
    sslnegotiation: 'postgres' as const,
    application_name: settings.applicationName,
    client_encoding: 'UTF8',
    replication: 'false',
    options: '-c TimeZone=UTC -c DateStyle=ISO -c standard_conforming_strings=on -c client_min_messages=warning',
    statement_timeout: statementTimeoutMs,
    lock_timeout: lockTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionMs,
    keepAlive: true,
    connectionTimeoutMillis: 0
  }
  return config
}

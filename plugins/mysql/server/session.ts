import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Connection, ConnectionOptions } from 'mysql2'
import { Misbehaviour } from './errors.ts'
import type { ServerKind } from './server-kind.ts'
import type { Settings } from './settings.ts'
import { tlsOptions } from './tls-mode.ts'

// A hostile server may answer for ever. A page of 1,000 users is 300 kB.
const answerBytesMax = 8 * 1024 * 1024

export type Row = Readonly<Record<string, unknown>>

/** One connection. Whatever leaves its state in doubt closes it: an abort, a lost answer, an answer without end. */
export class Session {
  readonly #connection: Connection
  readonly #socket: Socket
  readonly #lost = Promise.withResolvers<never>()
  /** Which of the two servers, and what differs between them; known once it has been asked. */
  kind!: ServerKind
  #bytes = 0
  #usable = false
  #retired = false

  private constructor(connection: Connection, socket: Socket) {
    this.#connection = connection
    this.#socket = socket
    this.#lost.promise.catch(() => undefined)
    connection.on('error', (error: Error) => this.#lose(error))
    socket.on('close', () => this.#lose(Object.assign(new Error('the connection was closed'), { code: 'PROTOCOL_CONNECTION_LOST' })))
    socket.on('error', error => this.#lose(error))
  }

  /** Over a socket to an address that was checked; the certificate is checked for the name that was written. */
  static async open(settings: Settings, host: string, socket: Socket, signal: AbortSignal): Promise<Session> {
    signal.throwIfAborted()
    const name = settings.tlsServerName ?? host
    // Where the name is an address no server name is sent, and the check of the certificate takes what the socket was opened for.
    Object.assign(socket, { _host: name })
    const { createConnection } = await import('mysql2')
    signal.throwIfAborted()
    const connection = createConnection(clientConfig(settings, name, socket))
    const session = new Session(connection, socket)
    try {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      connection.connect(error => (error ? reject(error) : resolve()))
      await session.#until(signal, promise)
    } catch (error) {
      session.destroy()
      throw error
    }
    session.#watch()
    return session
  }

  get usable(): boolean {
    return this.#usable && !this.#retired
  }

  /** One query message: its statements run in order, and the first failure stops the rest. The rows of each statement; none for what answers none. */
  async run(sql: string, signal: AbortSignal): Promise<readonly (readonly Row[])[]> {
    this.#bytes = 0
    const { promise, resolve, reject } = Promise.withResolvers<readonly (readonly Row[])[]>()
    if (signal.aborted) this.destroy()
    signal.throwIfAborted()
    this.#connection.query(sql, (error, rows: unknown, fields: unknown) => (error ? reject(error) : resolve(resultsOf(rows, fields))))
    return await this.#until(signal, promise)
  }

  /** Usable until its present work is done. */
  retire(): void {
    this.#retired = true
  }

  /** Says good-bye without waiting for an answer, which may never come. */
  async close(): Promise<void> {
    if (!this.#usable) return this.destroy()
    this.#usable = false
    this.#connection.end(() => undefined)
    this.#socket.destroySoon()
  }

  destroy(): void {
    this.#usable = false
    this.#socket.destroy()
  }

  async #until<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
    const stop = () => {
      this.destroy()
      this.#lost.reject(signal.reason)
    }
    signal.addEventListener('abort', stop, { once: true })
    work.catch(() => undefined)
    try {
      // The library forgets a query whose socket we close.
      return await Promise.race([work, this.#lost.promise])
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  /** Under TLS the bytes come through another stream than our socket, and the library has put it in its place by now. */
  #watch(): void {
    const { stream } = this.#connection as unknown as { readonly stream: Duplex }
    stream.on('data', (chunk: Uint8Array) => this.#count(chunk.byteLength))
    this.#usable = true
  }

  #count(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes <= answerBytesMax) return
    this.#lose(new Misbehaviour('an answer without end'))
    this.#socket.destroy()
  }

  #lose(error: Error): void {
    this.#usable = false
    // An answer that says why may lie in the buffer still.
    setImmediate(() => this.#lost.reject(error))
  }
}

/** One statement answers its own rows and fields, several answer lists of them. */
function resultsOf(rows: unknown, fields: unknown): readonly (readonly Row[])[] {
  const several = Array.isArray(fields) && fields.length > 0 && fields.every(one => one === undefined || Array.isArray(one))
  const results: readonly unknown[] = several ? (rows as readonly unknown[]) : [rows]
  return results.map(one => (Array.isArray(one) ? (one as readonly Row[]) : []))
}

/** Our own fields and nothing else: no URL, no file to send, no plugin that sends a password as text. */
function clientConfig(settings: Settings, name: string, socket: Socket): ConnectionOptions {
  const ssl = tlsOptions(settings)
  return {
    host: name,
    stream: socket,
    user: settings.username,
    password: settings.password,
    ...(ssl && { ssl }),
    charset: 'utf8mb4_general_ci',
    // Role statements are commonly several in one text; nothing from outside reaches any other.
    multipleStatements: true,
    // Switches LOAD DATA LOCAL off: a server must not be able to ask for a file.
    flags: ['-LOCAL_FILES'],
    supportBigNumbers: true,
    bigNumberStrings: false,
    decimalNumbers: true,
    dateStrings: true,
    // The deadline of our clock closes the socket.
    connectTimeout: 0
  }
}

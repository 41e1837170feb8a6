import { Client } from '../client/client.ts'
import type { Method, RequestOptions } from '../client/client.ts'
import type { Envelope } from '../client/envelope.ts'
import type { JsonObject } from '../contracts/index.ts'
import type { Io } from './io.ts'
import { Progress } from './progress.ts'
import { connectionOf, formatOf, fromEnvironment, readNamedFile } from './settings.ts'
import { StandardInput } from './standard-input.ts'
import { Terminal } from './terminal.ts'
import { storedToken } from './token-file.ts'
import type { Typed } from './typed.ts'

export interface TokenFound {
  readonly value: string
  readonly from: string
}

/** One run of a command: what was typed, where it speaks, whom it asks. */
export class Invocation implements Disposable {
  readonly io: Io
  readonly typed: Typed
  readonly terminal: Terminal
  readonly input: StandardInput
  /** Where the token came from, for errors. */
  tokenFrom: string | undefined
  #client: Client | undefined

  constructor(io: Io, typed: Typed) {
    this.io = io
    this.typed = typed
    this.terminal = new Terminal(io, formatOf(typed, io.env))
    this.input = new StandardInput(io)
  }

  /** One request with the user's token. Its warnings are shown, unless `quiet`. */
  async request(method: Method, path: string, fields?: JsonObject, options?: RequestOptions, quiet = false): Promise<Envelope> {
    this.#client ??= this.#connect(await this.#token())
    using _ = new Progress(this.io, 'waiting for the server')
    const envelope = await this.#client.request(method, path, fields, options)
    for (const warning of quiet ? [] : (envelope.warnings ?? [])) this.terminal.warn(warning)
    return envelope
  }

  /** A reply that is no JSON, however long. */
  async download(path: string): Promise<AsyncIterable<Uint8Array>> {
    this.#client ??= this.#connect(await this.#token())
    return this.#client.download(path)
  }

  /** From here on this token is the user's. */
  useToken(value: string, from: string): void {
    this.#client?.[Symbol.dispose]()
    this.tokenFrom = from
    this.#client = this.#connect(value)
  }

  /** From here on nobody is said to ask: a login is for whoever has no token, or an old one. */
  useNoToken(): void {
    this.#client?.[Symbol.dispose]()
    this.#client = this.#connect(undefined)
  }

  #connect(token: string | undefined): Client {
    return new Client({ ...connectionOf(this.typed, this.io.env), ...(token === undefined ? {} : { token }) })
  }

  async #token(): Promise<string | undefined> {
    return (await this.findToken())?.value
  }

  /** Never from an option's value: every process of the machine can read a command line. */
  async findToken(): Promise<TokenFound | undefined> {
    const found = await this.#lookForToken()
    this.tokenFrom = found?.from
    return found
  }

  async #lookForToken(): Promise<TokenFound | undefined> {
    const file = this.typed.text('tokenFile')
    if (file === '-') return { value: await this.input.secret('Token'), from: 'standard input' }
    if (file !== undefined) return { value: readNamedFile(file).trim(), from: file }
    const said = fromEnvironment(this.io.env, 'TOKEN')
    if (said !== undefined) return { value: said.value.trim(), from: said.from }
    const named = fromEnvironment(this.io.env, 'TOKEN_FILE')
    if (named !== undefined) return { value: readNamedFile(named.value).trim(), from: named.from }
    return storedToken(this.io.homeDir)
  }

  [Symbol.dispose](): void {
    this.#client?.[Symbol.dispose]()
  }
}

import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

export interface RawReply {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Speaks bytes, not HTTP: for what no client library sends. */
export class RawClient implements Disposable {
  readonly socket: Socket
  #text = ''
  #wake: () => void = () => undefined
  closed = false

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1')
      this.#wake()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.closed = true
      this.#wake()
    })
  }

  static plain(port: number): RawClient {
    return new RawClient(connect({ port, host: '127.0.0.1', noDelay: true }))
  }

  static tls(port: number, ca: string): RawClient {
    return new RawClient(connectTls({ port, host: '127.0.0.1', ca, servername: 'localhost' }))
  }

  /** One write each, in packets of their own. */
  async send(...pieces: (string | Buffer)[]): Promise<this> {
    for (const piece of pieces) {
      await new Promise(resolve => this.socket.write(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece, resolve))
      if (pieces.length > 1) await new Promise(resolve => setTimeout(resolve, 5))
    }
    return this
  }

  /** The next reply; `undefined` when the connection ends without one. `bodyless`: to a HEAD. */
  async reply(bodyless = false): Promise<RawReply | undefined> {
    for (;;) {
      const found = this.#take(bodyless)
      if (found) return found
      if (this.closed) return undefined
      await new Promise<void>(resolve => (this.#wake = resolve))
    }
  }

  async end(): Promise<void> {
    while (!this.closed) await new Promise<void>(resolve => (this.#wake = resolve))
  }

  #take(bodyless: boolean): RawReply | undefined {
    const headEnd = this.#text.indexOf('\r\n\r\n')
    if (headEnd < 0) return undefined
    const [line = '', ...lines] = this.#text.slice(0, headEnd).split('\r\n')
    const headers = Object.fromEntries(
      lines.map(text => [text.slice(0, text.indexOf(':')).toLowerCase(), text.slice(text.indexOf(':') + 1).trim()])
    )
    const status = Number(line.split(' ')[1])
    const length = bodyless || status === 204 ? 0 : Number(headers['content-length'] ?? 0)
    if (status === 100) {
      this.#text = this.#text.slice(headEnd + 4)
      return this.#take(bodyless)
    }
    if (this.#text.length < headEnd + 4 + length) return undefined
    const body = this.#text.slice(headEnd + 4, headEnd + 4 + length)
    this.#text = this.#text.slice(headEnd + 4 + length)
    return { status, headers, body }
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}

/** A request as bytes. */
export function bytes(method: string, target: string, headers: Readonly<Record<string, string>> = {}, body?: string): string {
  const all: Record<string, string> = { Host: 'localhost', 'X-Vault-Token': 't', ...headers }
  if (body !== undefined) all['Content-Length'] ??= String(Buffer.byteLength(body, 'latin1'))
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`
}

/** A true HTTP server that answers what a test says, and remembers what it was asked. */
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'

export interface Asked {
  readonly method: string
  readonly target: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Answer {
  readonly status?: number
  /** As text it goes out as it is; else as JSON. Without one there is none. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Breaks the connection instead, or when the body has begun. */
  readonly breaks?: true | 'in the body'
}

export class SmallServer implements AsyncDisposable {
  readonly asked: Asked[] = []
  answer: Answer = { status: 204 }
  #silent = Promise.resolve()
  readonly #server: Server
  readonly #protocol: 'http' | 'https'

  private constructor(tls?: { readonly cert: string; readonly key: string }) {
    const handler = async (request: IncomingMessage, response: ServerResponse) => {
      const chunks: Buffer[] = []
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
      const { method = '', url = '', headers } = request
      this.asked.push({ method, target: url, headers, body: Buffer.concat(chunks).toString() })
      await this.#silent
      const { status = 200, body, headers: extra = {}, breaks } = this.answer
      if (breaks === true) return void request.socket.destroy()
      response.writeHead(status, { 'content-type': 'application/json', ...extra })
      if (breaks) return void response.write(String(body), () => request.socket.destroy())
      return void response.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body))
    }
    const listener = (request: IncomingMessage, response: ServerResponse) => void handler(request, response)
    this.#server = tls ? createTlsServer(tls, listener) : createServer(listener)
    this.#protocol = tls ? 'https' : 'http'
  }

  static async start(tls?: { readonly cert: string; readonly key: string }): Promise<SmallServer> {
    const server = new SmallServer(tls)
    await new Promise<void>(resolve => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  get address(): string {
    const at = this.#server.address()
    return `${this.#protocol}://127.0.0.1:${typeof at === 'object' && at !== null ? at.port : 0}`
  }

  /** From here on it takes requests and says nothing, until `end`. */
  silence(): { end(): void } {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#silent = promise
    return { end: resolve }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }
}

/** A reply of the wire with these keys. */
export function envelope(keys: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return {
    request_id: 'r',
    lease_id: '',
    renewable: false,
    lease_duration: 0,
    data: null,
    wrap_info: null,
    warnings: null,
    auth: null,
    ...keys
  }
}

import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'

export interface Passed {
  readonly status: number
  readonly text: string
}

/** Stands between a client and a server, and decides when each reply is passed on. */
export class Between implements AsyncDisposable {
  readonly address: string
  readonly #server: Server

  private constructor(server: Server, address: string) {
    this.#server = server
    this.address = address
  }

  static async start(to: string, pass: (path: string, forward: () => Promise<Passed>) => Promise<Passed>): Promise<Between> {
    const answer = async (request: IncomingMessage, response: ServerResponse) => {
      const chunks: Buffer[] = []
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
      const { method = 'GET', url = '/', headers } = request
      const { status, text } = await pass(url, async () => {
        const body = chunks.length === 0 ? undefined : Buffer.concat(chunks).toString()
        const token = headers['x-vault-token']
        const reply = await fetch(new URL(url, to), {
          method,
          headers: typeof token === 'string' ? { 'x-vault-token': token } : {},
          ...(body === undefined ? {} : { body })
        })
        return { status: reply.status, text: await reply.text() }
      })
      response.writeHead(status, { 'content-type': 'application/json' }).end(text)
    }
    const server = createServer((request, response) => void answer(request, response).catch(() => request.socket.destroy()))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const at = server.address()
    return new Between(server, `http://127.0.0.1:${typeof at === 'object' ? at?.port : 0}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }
}

/** The way between a host and its broker, in other hands: replies are exchanged, or nothing answers. */
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'

interface OwnCertificate {
  readonly key: string
  readonly cert: string
}

export class BadWay implements AsyncDisposable {
  /** By the end of a path: what is answered in place of the broker's own. */
  readonly instead = new Map<string, Uint8Array>()
  /** The same, for one answer. */
  readonly once = new Map<string, Uint8Array>()
  /** Nothing arrives. */
  cut = false
  /** The broker does it, and the reply is lost. */
  readonly repliesLost = new Set<string>()
  readonly requests: string[] = []
  readonly #server: Server
  readonly #scheme: string

  private constructor(target: string, certificate?: OwnCertificate) {
    this.#scheme = certificate ? 'https' : 'http'
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      const url = request.url ?? ''
      this.requests.push(url)
      this.#pass(target, request, url).then(
        reply => {
          const isLost = !reply || [...this.repliesLost].some(end => url.endsWith(end))
          if (isLost) request.socket.destroy()
          else response.writeHead(reply.status).end(reply.body)
          return undefined
        },
        () => request.socket.destroy()
      )
    }
    this.#server = certificate ? createSecureServer(certificate, answer) : createServer(answer)
  }

  static async open(target: string, certificate?: OwnCertificate): Promise<BadWay> {
    const way = new BadWay(target, certificate)
    await new Promise<void>(resolve => way.#server.listen(0, '127.0.0.1', resolve))
    return way
  }

  get address(): string {
    const address = this.#server.address()
    if (typeof address !== 'object' || address === null) throw new Error('it does not listen')
    return `${this.#scheme}://127.0.0.1:${address.port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async #pass(target: string, request: IncomingMessage, url: string): Promise<{ status: number; body: Uint8Array } | undefined> {
    if (this.cut) return undefined
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    for (const [end, body] of this.once) if (url.endsWith(end) && this.once.delete(end)) return { status: 200, body }
    for (const [end, body] of this.instead) if (url.endsWith(end)) return { status: 200, body }
    const body = request.method === 'POST' ? { method: 'POST', body: Buffer.concat(chunks) } : {}
    const reply = await fetch(`${target}${url}`, body)
    return { status: reply.status, body: new Uint8Array(await reply.arrayBuffer()) }
  }
}

/** Between the broker and moto: what AWS does and moto does not. It reads each call as AWS would, and answers in AWS's place, late, or not at all. */
import { createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'

export interface Call {
  /** `CreateUser`. */
  readonly action: string
  readonly fields: URLSearchParams
  /** How many calls of this action there were, this one included. */
  readonly count: number
}

/** `lose`: moto does it, and nobody hears of it. `drop`: nobody hears of it, moto neither. */
export type Doing =
  | 'pass'
  | 'lose'
  | 'drop'
  | { readonly status: number; readonly code: string; readonly message?: string; readonly body?: string }

export type Rule = (call: Call) => Doing | Promise<Doing>

export const throttled: Doing = { status: 400, code: 'Throttling', message: 'Rate exceeded' }
export const notFound: Doing = { status: 404, code: 'NoSuchEntity', message: 'The user cannot be found.' }

/** A page of a list that has these users, each by name and id. `next`: where the page after it begins. */
export function listOf(users: Readonly<Record<string, string>>, next?: string): Doing {
  const members = Object.entries(users).map(
    ([name, id]) =>
      `<member><UserName>${name}</UserName><Path>/</Path><UserId>${id}</UserId><Arn>x</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></member>`
  )
  const more = next === undefined ? '<IsTruncated>false</IsTruncated>' : `<IsTruncated>true</IsTruncated><Marker>${next}</Marker>`
  const body = `<ListUsersResponse><ListUsersResult>${more}<Users>${members.join('')}</Users></ListUsersResult></ListUsersResponse>`
  return { status: 200, code: 'list', body }
}

export class MotoFront implements AsyncDisposable {
  readonly endpoint: string
  readonly #server: Server
  /** What is done with a call; `pass` unless a test says otherwise. */
  rule: Rule = () => 'pass'
  /** What AWS has for the time, when it is not the true one. */
  now: (() => Temporal.Instant) | undefined
  /** Every call, in order. */
  readonly calls: Call[] = []
  readonly #counts = new Map<string, number>()

  private constructor(server: Server, port: number) {
    this.#server = server
    this.endpoint = `http://127.0.0.1:${port}`
  }

  static async start(moto: string): Promise<MotoFront> {
    const server = createServer((request, response) => void front.#answer(moto, request, response).catch(() => response.destroy()))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const front = new MotoFront(server, typeof address === 'object' && address !== null ? address.port : 0)
    return front
  }

  actions(): readonly string[] {
    return this.calls.map(({ action }) => action)
  }

  async #answer(moto: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>))
    const fields = new URLSearchParams(body.toString())
    const action = fields.get('Action') ?? ''
    const count = (this.#counts.get(action) ?? 0) + 1
    this.#counts.set(action, count)
    const call = { action, fields, count }
    this.calls.push(call)
    const doing = await this.rule(call)
    if (doing === 'drop') return void request.socket.destroy()
    if (typeof doing === 'object') return this.#refuse(response, doing)
    const answered = await passOn(moto, request, body)
    if (doing === 'lose') return void request.socket.destroy()
    const headers = { ...answered.headers, ...(this.now && { date: new Date(this.now().epochMilliseconds).toUTCString() }) }
    response.writeHead(answered.status, headers).end(answered.body)
  }

  #refuse(response: ServerResponse, { status, code, message = code, body }: Extract<Doing, object>): void {
    const type = status < 500 ? 'Sender' : 'Receiver'
    const error = `<ErrorResponse><Error><Type>${type}</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>front</RequestId></ErrorResponse>`
    response.writeHead(status, { 'content-type': 'text/xml' }).end(body ?? error)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }
}

interface Passed {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

/** As it came, the signed host included. */
function passOn(moto: string, { method, url, headers }: IncomingMessage, body: Buffer): Promise<Passed> {
  const { promise, resolve, reject } = Promise.withResolvers<Passed>()
  const { hostname, port } = new URL(moto)
  const asked = httpRequest({ hostname, port, method, path: url, headers, agent: false }, answered => {
    Array.fromAsync(answered as AsyncIterable<Buffer>).then(
      parts => resolve({ status: answered.statusCode ?? 502, headers: answered.headers, body: Buffer.concat(parts) }),
      reject
    )
  })
  asked.on('error', reject)
  asked.end(body)
  return promise
}

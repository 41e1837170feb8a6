import http from 'node:http'
import https from 'node:https'
import { NotUnderstood } from './client-error.ts'
import { unreachable } from './unreachable.ts'

export interface Sent {
  readonly address: URL
  readonly agent: http.Agent
  readonly method: string
  /** As it goes into the request line, encoded. `new URL` would resolve `..` and send something else than what was asked. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

export interface Answered {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly text: string
}

// A page of holdings, the largest reply, is a few megabytes.
export const replyBytesMax = 64 * 1_024 * 1_024

/** One request, one reply. Redirects are not followed: they would carry the token to another server. */
export function exchange(sent: Sent): Promise<Answered> {
  const { address, agent, method, target: path, headers, body, timeoutMs, signal } = sent
  const { request } = address.protocol === 'https:' ? https : http
  const options = { hostname: address.hostname.replace(/^\[|\]$/g, ''), port: address.port, agent, method, path, headers }
  const deadline = AbortSignal.timeout(timeoutMs)
  return new Promise<Answered>((resolve, reject) => {
    const fail = (error: unknown) => reject(error instanceof NotUnderstood ? error : unreachable(error, address, deadline.aborted))
    const either = signal === undefined ? deadline : AbortSignal.any([deadline, signal])
    const outgoing = request({ ...options, signal: either }, incoming => {
      readAll(incoming).then(text => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text }), fail)
    })
    outgoing.on('error', fail)
    outgoing.end(body)
  })
}

/** A reply of sensible length. */
export async function readAll(incoming: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > replyBytesMax) throw new NotUnderstood('the reply is longer than any of this API')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

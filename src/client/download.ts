import http from 'node:http'
import https from 'node:https'
import { readAll } from './exchange.ts'
import type { Answered, Sent } from './exchange.ts'
import { Unreachable } from './client-error.ts'
import { unreachable } from './unreachable.ts'

export type Downloaded = { readonly body: AsyncIterable<Uint8Array> } | { readonly refused: Answered }

// The server copies its store before the first byte.
const idleMsMax = 600_000

/** One request, and its body as it comes, however long. The body ends with an error when the connection does before it. */
export function download({
  address,
  agent,
  target: path,
  headers,
  method
}: Omit<Sent, 'body' | 'timeoutMs' | 'signal'>): Promise<Downloaded> {
  const { request } = address.protocol === 'https:' ? https : http
  const options = {
    hostname: address.hostname.replace(/^\[|\]$/g, ''),
    port: address.port,
    agent,
    method,
    path,
    headers,
    timeout: idleMsMax
  }
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => reject(unreachable(error, address, false))
    const outgoing = request(options, incoming => {
      const status = incoming.statusCode ?? 0
      if (status === 200) return resolve({ body: whole(incoming, address) })
      readAll(incoming).then(text => resolve({ refused: { status, headers: incoming.headers, text } }), fail)
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error('nothing comes any more')))
    outgoing.on('error', fail)
    outgoing.end()
  })
}

async function* whole(body: AsyncIterable<Uint8Array>, address: URL): AsyncIterable<Uint8Array> {
  try {
    yield* body
  } catch (error) {
    throw new Unreachable('cut short', address.href.replace(/\/$/, ''), error)
  }
}

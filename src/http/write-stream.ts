import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Streamed } from '../broker/door/request.ts'

/** A body of a length that nobody knows yet, at the client's pace. One that fails on the way is cut off without its end: no client can take it for whole. */
export async function writeStream(response: ServerResponse, streamed: Streamed, gone: AbortSignal): Promise<void> {
  await using _ = streamed
  const strict = 'encrypted' in response.req.socket ? { 'Strict-Transport-Security': 'max-age=31536000' } : {}
  response.writeHead(200, { 'Content-Type': streamed.type, 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', ...strict })
  try {
    for await (const chunk of streamed.chunks()) {
      gone.throwIfAborted()
      if (!response.write(chunk)) await once(response, 'drain', { signal: gone })
    }
    response.end()
  } catch (error) {
    response.destroy()
    if (!gone.aborted) throw error
  }
}

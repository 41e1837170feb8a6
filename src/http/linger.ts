import type { IncomingMessage, ServerResponse } from 'node:http'

// A refused upload is heard out this far: enough for one just above the limit.
const lingerMs = 1_000
const lingerBytesMax = 64 * 1_024 * 1_024

/** Ends a reply whose request is still on its way. The client has all of it already; closing at once would reset the connection, and the client would lose the reply. */
export function linger(request: IncomingMessage, response: ServerResponse): void {
  let left = lingerBytesMax
  const timer = setTimeout(end, lingerMs)
  function end(): void {
    clearTimeout(timer)
    if (!response.writableEnded) response.end()
  }
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) end()
  })
  request.once('end', end).once('close', end).resume()
}

import { NotUnderstood } from './client-error.ts'
import type { Answered, Sent } from './exchange.ts'
import { replyBytesMax } from './exchange.ts'
import { unreachable } from './unreachable.ts'

/** One request by a `fetch` of the caller's. It tells less about why a connection failed, and resolves dots in a path; the server refuses those anyway. */
export function fetched(fetch: typeof globalThis.fetch): (sent: Sent) => Promise<Answered> {
  return async ({ address, method, target, headers, body, timeoutMs, signal }) => {
    const deadline = AbortSignal.timeout(timeoutMs)
    const either = signal === undefined ? deadline : AbortSignal.any([deadline, signal])
    const { 'content-length': _, ...sent } = headers
    try {
      const reply = await fetch(new URL(target, address), {
        method,
        headers: sent,
        ...(body === undefined ? {} : { body }),
        // Followed, the token would go to another server.
        redirect: 'manual',
        signal: either
      })
      return { status: reply.status, headers: Object.fromEntries(reply.headers), text: await readAll(reply) }
    } catch (error) {
      if (error instanceof NotUnderstood) throw error
      const cause = error instanceof TypeError ? error.cause : error
      throw unreachable(cause, address, deadline.aborted)
    }
  }
}

/** A reply of sensible length: what is longer is not read to its end. */
async function readAll({ body }: Response): Promise<string> {
  if (!body) return ''
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let [text, bytes] = ['', 0]
  for (let { value } = await reader.read(); value; { value } = await reader.read()) {
    bytes += value.byteLength
    if (bytes > replyBytesMax) {
      await reader.cancel()
      throw new NotUnderstood('the reply is longer than any of this API')
    }
    text += decoder.decode(value, { stream: true })
  }
  return text + decoder.decode()
}

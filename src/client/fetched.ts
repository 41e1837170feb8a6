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
      const text = await reply.text()
      if (text.length > replyBytesMax) throw new NotUnderstood('the reply is longer than any of this API')
      return { status: reply.status, headers: Object.fromEntries(reply.headers), text }
    } catch (error) {
      if (error instanceof NotUnderstood) throw error
      const cause = error instanceof TypeError ? error.cause : error
      throw unreachable(cause, address, deadline.aborted)
    }
  }
}

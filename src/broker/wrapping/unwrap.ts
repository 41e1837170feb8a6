import { Secret } from '../../contracts/index.ts'
import type { Token } from '../../store/token.ts'
import type { WrappedRow } from '../../store/store.ts'
import type { Call } from '../door/core-path.ts'
import { liveToken } from '../door/live-token.ts'
import type { Parts } from '../parts.ts'
import type { Auth, Outcome, Reply, WireRequest } from '../door/request.ts'
import { wrappedAccessor, wrapUnder } from './wrap.ts'
import { openReply } from './wrapped-reply.ts'
import type { OpenedReply } from './wrapped-reply.ts'
import { notValid, shownToken } from './wrapping-holder.ts'
import { isWrappingToken } from './wrapping-token.ts'

/** What was wrapped, once. The reply is opened first, so that a row that does not open spends nothing; the token is spent in the commit before the reply. */
export async function unwrap(call: Call<unknown>): Promise<Outcome> {
  const { parts } = call
  const { token, row, opened } = await waiting(parts, call.request)
  call.change({ kind: 'wrapping.open', token: token.hash, lease: row.lease, inner: row.inner })
  call.afterCommit(() => parts.at('unwrap:after-commit'))
  await parts.at('unwrap:before-commit')
  return { reply: asOf(opened, parts.clock.now()) }
}

/** The same reply under a new token, with the time and the path of the old one, which is spent. */
export async function rewrap(call: Call<unknown>): Promise<Outcome> {
  const { parts } = call
  const { token, row, opened } = await waiting(parts, call.request)
  const { lease, inner } = row
  const accessor = wrappedAccessor(opened.reply, parts.mounts.at(token.path)?.mount.record)
  const { changes, info } = wrapUnder(parts, { path: token.path, seconds: token.creationTtl, ...opened, lease, inner, accessor })
  call.change({ kind: 'wrapping.open', token: token.hash, lease, inner })
  for (const change of changes) call.change(change)
  return { reply: { status: 200, wrapInfo: info } }
}

/** Where it came from and until when it opens: what a receiver checks before it opens. Spends nothing. */
export async function lookupWrapped({ parts, request }: Call<unknown>): Promise<Outcome> {
  const token = await wrappingToken(parts, request)
  return { data: { creation_path: token.path, creation_time: token.issuedAt.toString(), creation_ttl: token.creationTtl } }
}

async function wrappingToken(parts: Parts, request: WireRequest): Promise<Token> {
  const token = await liveToken(parts, shownToken(request))
  if (!isWrappingToken(token)) throw notValid()
  return token
}

async function waiting(parts: Parts, request: WireRequest): Promise<{ token: Token; row: WrappedRow; opened: OpenedReply }> {
  const token = await wrappingToken(parts, request)
  const row = await parts.store.wrapped(token.hash)
  if (!row) throw notValid()
  return { token, row, opened: openReply(parts, shownToken(request), token.hash, row.reply) }
}

/** Times left go on while a reply waits: a client that is told an hour renews after some forty minutes of it, and what waited for half of it would be gone by then. */
function asOf({ reply, at }: OpenedReply, now: Temporal.Instant): Omit<Reply, 'requestId'> {
  const waited = Math.max(0, Math.floor((now.epochMilliseconds - at.epochMilliseconds) / 1_000))
  const left = (seconds: number) => (seconds === 0 ? 0 : Math.max(1, seconds - waited))
  const { lease, auth } = reply
  return {
    ...reply,
    ...(lease ? { lease: { ...lease, seconds: left(lease.seconds) } } : {}),
    ...(auth ? { auth: withDuration(auth, left) } : {})
  }
}

function withDuration(auth: Secret<Auth>, left: (seconds: number) => number): Secret<Auth> {
  const block = auth.reveal()
  return new Secret({ ...block, lease_duration: left(block.lease_duration) })
}

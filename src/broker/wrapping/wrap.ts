/** Response wrapping: the caller gets a token that opens the reply once, and the reply waits sealed. What wraps is in the very commit that would have let the reply out, so nothing that
 *  the reply hands over, a credential or a token, is ever there without an end: unopened it ends with the wrapping token. */
import { BrokerError, Secret, goDuration } from '../../contracts/index.ts'
import type { LeaseId } from '../../contracts/index.ts'
import type { Change, Intention } from '../../store/change.ts'
import type { Facts } from '../door/exchange.ts'
import type { MountRecord } from '../mounts/mount.ts'
import type { Parts } from '../parts.ts'
import type { Reply, WrapInfo } from '../door/request.ts'
import { sealReply } from './wrapped-reply.ts'
import { newWrappingToken } from './wrapping-token.ts'

export interface Wrapped {
  readonly changes: readonly Change[]
  readonly info: Secret<WrapInfo>
  readonly reply: Reply
}

/** `undefined` where there is nothing to wrap: none was asked for, or a reply without a body. `before`: the changes that make what the reply hands over. */
export function wrap(parts: Parts, { request, token, mount }: Facts, reply: Reply, before: readonly Change[]): Wrapped | undefined {
  const asked = request.wrapSeconds ?? 0
  if (asked === 0 || !hasBody(reply) || reply.wrapInfo) return undefined
  // What waits is a row for weeks: nobody at all must not be able to fill the store with them.
  if (!token && !reply.auth) throw new BrokerError('invalid_request', 'without a token no reply is wrapped but that of a login')
  const seconds = Math.min(asked, parts.settings.maxTtl)
  const path = request.operation === 'list' ? `${request.path}/` : request.path
  const { changes, info } = wrapUnder(parts, { path, seconds, reply, ...handedOver(before), accessor: wrappedAccessor(reply, mount) })
  const warnings = seconds < asked ? [capped(asked, seconds)] : []
  return {
    changes: changes.map(change => ({ ...change, now: parts.clock.now() })),
    info,
    reply: { requestId: request.id, status: 200, wrapInfo: info, ...(warnings.length > 0 ? { warnings } : {}) }
  }
}

export interface ToWrap {
  readonly path: string
  readonly seconds: number
  readonly reply: Omit<Reply, 'requestId'>
  /** When the reply was first said; now without it. */
  readonly at?: Temporal.Instant
  readonly lease: LeaseId | null
  readonly inner: string | null
  readonly accessor: string
}

/** A new wrapping token, and the reply sealed under it. */
export function wrapUnder(parts: Parts, given: ToWrap): { readonly changes: readonly Intention[]; readonly info: Secret<WrapInfo> } {
  const { path, seconds, reply, at, lease, inner, accessor } = given
  const { text, row } = newWrappingToken(parts, path, seconds)
  const sealed = sealReply(parts, text, row.hash, { requestId: '', ...reply }, at ?? row.issuedAt)
  return {
    changes: [
      { kind: 'token.create', token: row },
      { kind: 'wrapping.put', token: row.hash, reply: sealed, lease, inner }
    ],
    info: new Secret<WrapInfo>({
      token: text,
      accessor: row.accessor,
      ttl: seconds,
      creation_time: row.issuedAt.toString(),
      creation_path: path,
      ...(accessor === '' ? {} : { wrapped_accessor: accessor })
    })
  }
}

/** Warnings alone give nothing away. */
function hasBody({ lease, data, auth, raw }: Reply): boolean {
  return Boolean(lease ?? data ?? auth ?? raw)
}

/** What the reply is the first to tell of, by the changes that make it: a renewal speaks of what its caller has already, and that must not end because nobody opened the reply. */
function handedOver(before: readonly Change[]): { lease: LeaseId | null; inner: string | null } {
  let over: { lease: LeaseId | null; inner: string | null } = { lease: null, inner: null }
  for (const change of before) {
    if (change.kind === 'lease.activate') over = { ...over, lease: change.id }
    else if (change.kind === 'lease.begin') over = { ...over, lease: change.lease.id }
    else if (change.kind === 'token.create') over = { ...over, inner: change.token.hash }
    else if (change.kind === 'wrapping.open') over = { lease: change.lease, inner: change.inner }
  }
  return over
}

/** By which a deliverer can end or look up what it never sees: the accessor of a wrapped token, or of an AppRole's secret id. */
export function wrappedAccessor({ auth, data }: Pick<Reply, 'auth' | 'data'>, mount: MountRecord | undefined): string {
  if (auth) return auth.reveal().accessor
  const fields = data instanceof Secret ? data.reveal() : data
  const accessor = mount?.type === 'approle' ? fields?.['secret_id_accessor'] : undefined
  return typeof accessor === 'string' ? accessor : ''
}

function capped(asked: number, seconds: number): string {
  return `TTL of "${goDuration(asked)}" exceeded the effective max_ttl of "${goDuration(seconds)}"; TTL value is capped accordingly`
}

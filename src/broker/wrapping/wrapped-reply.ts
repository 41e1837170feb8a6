/** The seal of a reply that waits for its one opening. Its key comes from the wrapping token and from the barrier, both: a stolen store opens nothing without the token, of which only a
 *  hash is kept, and a token that is found in a log opens no copy of the store. The keyring has no part in it, so a rotation of keys leaves these rows alone. */
import { BrokerError, Secret } from '../../contracts/index.ts'
import type { JsonObject } from '../../contracts/index.ts'
import { deriveKey } from '../../seal/derive-key.ts'
import type { Place } from '../../seal/place.ts'
import { openUnderKey, sealUnderKey } from '../../seal/under-key.ts'
import type { Parts } from '../parts.ts'
import type { Auth, Reply } from '../door/request.ts'

// A row that somebody may leave for weeks; replies with credentials are a thousandth of it.
const wrappedBytesMax = 1_048_576

interface Stored {
  readonly status: Reply['status']
  /** When it was first said, in milliseconds: what it says of times left counts from here. */
  readonly at: number
  readonly lease?: NonNullable<Reply['lease']>
  readonly data?: JsonObject
  readonly auth?: Auth
  readonly warnings?: readonly string[]
  readonly raw?: { readonly body: string; readonly type: string }
}

type SealParts = Pick<Parts, 'barrier' | 'random'>

export function sealReply(parts: SealParts, token: string, hash: string, reply: Reply, at: Temporal.Instant): Uint8Array {
  const { status, lease, data, auth, warnings, raw } = reply
  const stored: Stored = {
    status,
    at: at.epochMilliseconds,
    ...(lease ? { lease } : {}),
    ...(data ? { data: data instanceof Secret ? data.reveal() : data } : {}),
    ...(auth ? { auth: auth.reveal() } : {}),
    ...(warnings ? { warnings } : {}),
    ...(raw ? { raw: { body: Buffer.from(raw.body).toString('base64'), type: raw.type } } : {})
  }
  const plain = Buffer.from(JSON.stringify(stored))
  if (plain.length > wrappedBytesMax) throw new BrokerError('invalid_request', `a reply is wrapped up to ${wrappedBytesMax} bytes`)
  return underKey(parts, token, key => sealUnderKey(key, place(hash), plain, parts.random))
}

export interface OpenedReply {
  readonly reply: Omit<Reply, 'requestId'>
  readonly at: Temporal.Instant
}

/** Throws `integrity` when the row is not what was stored under this token. */
export function openReply(parts: SealParts, token: string, hash: string, sealed: Uint8Array): OpenedReply {
  const plain = underKey(parts, token, key => openUnderKey(key, place(hash), sealed))
  const { status, at, lease, data, auth, warnings, raw } = JSON.parse(Buffer.from(plain).toString()) as Stored
  const reply = {
    status,
    ...(lease ? { lease } : {}),
    ...(data ? { data: new Secret(data) } : {}),
    ...(auth ? { auth: new Secret(auth) } : {}),
    ...(warnings ? { warnings } : {}),
    ...(raw ? { raw: { body: new Uint8Array(Buffer.from(raw.body, 'base64')), type: raw.type } } : {})
  }
  return { reply, at: Temporal.Instant.fromEpochMilliseconds(at) }
}

function underKey<T>({ barrier }: SealParts, token: string, use: (key: Uint8Array) => T): T {
  const secret = barrier.mac('wrapping', token)
  const key = deriveKey(secret, 'wrapped reply')
  try {
    return use(key)
  } finally {
    secret.fill(0)
    key.fill(0)
  }
}

function place(hash: string): Place {
  return { table: 'wrapping', row: hash, column: 'reply' }
}

import { createHash, createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { BrokerError, unhandled } from 'mayfly/plugin'
import { curveOf } from './curves.ts'
import type { EcdsaType } from './curves.ts'
import { notAPoint } from './small-order.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

/** A public key, taken apart and found well-formed: what is written is always made from these fields, never copied from what a client sent. `e` and `n` are magnitudes. */
export type PublicKey =
  | { readonly type: 'ssh-ed25519'; readonly point: Buffer }
  | { readonly type: EcdsaType; readonly point: Buffer }
  | { readonly type: 'ssh-rsa'; readonly e: Buffer; readonly n: Buffer }
  | { readonly type: 'sk-ssh-ed25519@openssh.com'; readonly point: Buffer; readonly application: string }
  | { readonly type: 'sk-ecdsa-sha2-nistp256@openssh.com'; readonly point: Buffer; readonly application: string }

export type KeyType = PublicKey['type']

// OpenSSH's own limit (SSHBUF_MAX_BIGNUM): what is larger, no host can read.
const rsaBitsMax = 16_384
// OpenSSL takes larger ones only for small moduli; everybody uses 65537.
const rsaExponentBytesMax = 8
// `ssh:` and, with a suffix of the user's, rarely more than a host name.
const applicationBytesMax = 255

/** `blob`: the wire form, which key lines carry in base64. */
export function parsePublicKey(blob: Uint8Array): PublicKey {
  const reader = new WireReader(blob, 'public key')
  const key = readKeyFields(plainType(reader, reader.text('key type')), reader)
  reader.end()
  return key
}

/** The fields that follow a type name: in a key's blob at once, in a certificate after its nonce. */
export function readKeyFields(type: KeyType, reader: WireReader): PublicKey {
  switch (type) {
    case 'ssh-ed25519':
      return { type, point: edwardsPoint(reader) }
    case 'sk-ssh-ed25519@openssh.com':
      return { type, point: edwardsPoint(reader), application: application(reader) }
    case 'sk-ecdsa-sha2-nistp256@openssh.com':
      return { type, point: curvePoint(reader, 'ecdsa-sha2-nistp256'), application: application(reader) }
    case 'ssh-rsa':
      return rsaKey(reader)
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
      return { type, point: curvePoint(reader, type) }
    default:
      return unhandled(type)
  }
}

export function writeKeyFields(writer: WireWriter, key: PublicKey): WireWriter {
  switch (key.type) {
    case 'ssh-ed25519':
      return writer.string(key.point)
    case 'sk-ssh-ed25519@openssh.com':
      return writer.string(key.point).string(key.application)
    case 'sk-ecdsa-sha2-nistp256@openssh.com':
      return writer.string('nistp256').string(key.point).string(key.application)
    case 'ssh-rsa':
      return writer.mpint(key.e).mpint(key.n)
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
      return writer.string(curveOf(key.type).name).string(key.point)
    default:
      return unhandled(key)
  }
}

export function keyBlob(key: PublicKey): Buffer {
  return writeKeyFields(new WireWriter().string(key.type), key).finish()
}

/** `SHA256:` and base64 without padding, as every tool of OpenSSH prints it. */
export function fingerprint(key: PublicKey): string {
  return `SHA256:${createHash('sha256').update(keyBlob(key)).digest('base64').replace(/=+$/, '')}`
}

/** For verifying. A FIDO key's signatures are over more than the message: see `signature.ts`. */
export function keyObject(key: PublicKey): KeyObject {
  return createPublicKey({ format: 'jwk', key: jwk(key) })
}

function jwk(key: PublicKey): { kty: string } & Record<string, string> {
  switch (key.type) {
    case 'ssh-ed25519':
    case 'sk-ssh-ed25519@openssh.com':
      return { kty: 'OKP', crv: 'Ed25519', x: key.point.toString('base64url') }
    case 'ssh-rsa':
      return { kty: 'RSA', e: key.e.toString('base64url'), n: key.n.toString('base64url') }
    case 'sk-ecdsa-sha2-nistp256@openssh.com':
      return curveJwk('ecdsa-sha2-nistp256', key.point)
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
      return curveJwk(key.type, key.point)
    default:
      return unhandled(key)
  }
}

function curveJwk(type: EcdsaType, point: Buffer): { kty: string } & Record<string, string> {
  const { jwkName, coordinateBytes } = curveOf(type)
  const x = point.subarray(1, 1 + coordinateBytes)
  const y = point.subarray(1 + coordinateBytes)
  return { kty: 'EC', crv: jwkName, x: x.toString('base64url'), y: y.toString('base64url') }
}

const plainTypes: ReadonlySet<string> = new Set<KeyType>([
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com'
])

export function isKeyType(name: string): name is KeyType {
  return plainTypes.has(name)
}

/** What is refused is named, so that its sender knows which file to send instead. */
function plainType(reader: WireReader, name: string): KeyType {
  if (isKeyType(name)) return name
  if (name.includes('-cert-v0')) throw reader.refusal('this is a certificate, not a key: send the file without -cert in its name')
  if (name === 'ssh-dss') throw reader.refusal('DSA keys are not accepted: make an Ed25519 key')
  throw reader.refusal(`unknown key type ${JSON.stringify(name.slice(0, 64))}`)
}

function edwardsPoint(reader: WireReader): Buffer {
  const point = reader.string('point')
  if (point.length !== 32) throw reader.refusal(`an Ed25519 key has 32 bytes, not ${point.length}`)
  const reason = notAPoint(point)
  if (reason) throw reader.refusal(reason)
  return point
}

function curvePoint(reader: WireReader, type: EcdsaType): Buffer {
  const { name, coordinateBytes } = curveOf(type)
  const curve = reader.text('curve')
  if (curve !== name) throw reader.refusal(`the type says ${name}, the key ${JSON.stringify(curve.slice(0, 64))}`)
  const point = reader.string('point')
  if (point.length !== 1 + 2 * coordinateBytes || point[0] !== 4) throw reader.refusal(`not an uncompressed point of ${name}`)
  try {
    createPublicKey({ format: 'jwk', key: curveJwk(type, point) })
  } catch (cause) {
    throw new BrokerError('invalid_request', `public key: the point is not on the curve ${name}`, { cause })
  }
  return point
}

function rsaKey(reader: WireReader): PublicKey {
  const e = reader.mpint('exponent')
  const n = reader.mpint('modulus')
  if (isEven(e) || e.length > rsaExponentBytesMax || (e.length === 1 && e[0] === 1)) throw reader.refusal('not an RSA exponent')
  if (isEven(n)) throw reader.refusal('an RSA modulus is odd')
  if (n.length * 8 > rsaBitsMax) throw reader.refusal(`an RSA key has at most ${rsaBitsMax} bits`)
  return { type: 'ssh-rsa', e, n }
}

function application(reader: WireReader): string {
  const text = reader.text('application')
  if (!/^[\x21-\x7e]+$/.test(text) || text.length > applicationBytesMax) throw reader.refusal('application must be a name such as ssh:')
  return text
}

const isEven = (magnitude: Buffer): boolean => ((magnitude.at(-1) ?? 0) & 1) === 0

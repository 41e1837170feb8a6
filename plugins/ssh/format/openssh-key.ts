import { createPrivateKey } from 'node:crypto'
import type { JsonWebKeyInput, KeyObject } from 'node:crypto'
import { unhandled } from 'mayfly/plugin'
import { decodeBase64 } from './base64.ts'
import { curveOf } from './curves.ts'
import type { EcdsaType } from './curves.ts'
import { publicPart } from './key-object.ts'
import { keyBlob, parsePublicKey } from './public-key.ts'
import type { PublicKey } from './public-key.ts'
import { WireReader } from './wire-reader.ts'

/** `PROTOCOL.key`, without passphrase. */
export const openSshMagic = Buffer.from('openssh-key-v1\0')
export const openSshBegin = '-----BEGIN OPENSSH PRIVATE KEY-----'
export const openSshEnd = '-----END OPENSSH PRIVATE KEY-----'

type JsonWebKey = JsonWebKeyInput['key']

export function isOpenSshKey(text: string): boolean {
  return text.startsWith(openSshBegin)
}

export function readOpenSshKey(text: string): KeyObject {
  const reader = new WireReader(
    decodeBase64(text.slice(openSshBegin.length, text.indexOf(openSshEnd)).replaceAll('\n', ''), 'private key'),
    'private key'
  )
  if (!reader.raw(openSshMagic.length, 'magic').equals(openSshMagic)) throw reader.refusal('not of the form openssh-key-v1')
  if (reader.text('cipher') !== 'none' || reader.text('key derivation') !== 'none')
    throw reader.refusal('has a passphrase: remove it first (ssh-keygen -p)')
  reader.string('key derivation options')
  if (reader.uint32('number of keys') !== 1) throw reader.refusal('one key is expected')
  const publicKey = parsePublicKey(reader.string('public key'))
  const key = readPrivatePart(new WireReader(reader.string('private part'), 'private key'), publicKey)
  reader.end()
  return key
}

function readPrivatePart(reader: WireReader, publicKey: PublicKey): KeyObject {
  if (reader.uint32('check') !== reader.uint32('check')) throw reader.refusal('damaged')
  if (reader.text('key type') !== publicKey.type) throw reader.refusal('its two halves are of different types')
  const jwk = readFields(reader, publicKey.type)
  reader.string('comment')
  for (let expected = 1; !reader.atEnd; expected++) if (reader.byte('padding') !== expected) throw reader.refusal('damaged at its end')
  const key = privateKeyOf(jwk, reader)
  if (!keyBlob(publicPart(key)).equals(keyBlob(publicKey))) throw reader.refusal('its two halves do not belong together')
  return key
}

function privateKeyOf(jwk: JsonWebKey, reader: WireReader): KeyObject {
  try {
    return createPrivateKey({ format: 'jwk', key: jwk })
  } catch {
    throw reader.refusal('damaged, or its two halves do not belong together')
  }
}

function readFields(reader: WireReader, type: PublicKey['type']): JsonWebKey {
  switch (type) {
    case 'ssh-ed25519': {
      const x = reader.string('public half')
      const both = reader.string('private half')
      if (both.length !== 64) throw reader.refusal('an Ed25519 key has 64 bytes')
      return { kty: 'OKP', crv: 'Ed25519', x: text(x), d: text(both.subarray(0, 32)) }
    }
    case 'ssh-rsa':
      return readRsa(reader)
    case 'sk-ssh-ed25519@openssh.com':
    case 'sk-ecdsa-sha2-nistp256@openssh.com':
      throw reader.refusal('the key is in a FIDO token, this file is only its name')
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
      return readCurve(reader, type)
    default:
      return unhandled(type)
  }
}

function readCurve(reader: WireReader, type: EcdsaType): JsonWebKey {
  const { name, jwkName, coordinateBytes } = curveOf(type)
  if (reader.text('curve') !== name) throw reader.refusal('its type and its curve differ')
  const point = reader.string('point')
  const d = reader.mpint('private number')
  if (d.length > coordinateBytes) throw reader.refusal('its private number is too large')
  const padded = Buffer.concat([Buffer.alloc(coordinateBytes - d.length), d])
  return {
    kty: 'EC',
    crv: jwkName,
    x: text(point.subarray(1, 1 + coordinateBytes)),
    y: text(point.subarray(1 + coordinateBytes)),
    d: text(padded)
  }
}

function readRsa(reader: WireReader): JsonWebKey {
  const n = reader.mpint('modulus')
  const e = reader.mpint('exponent')
  const d = reader.mpint('private exponent')
  const qi = reader.mpint('coefficient')
  const p = reader.mpint('first factor')
  const q = reader.mpint('second factor')
  const parts = { n, e, d, p, q, qi, dp: reduced(d, p), dq: reduced(d, q) }
  return { kty: 'RSA', ...Object.fromEntries(Object.entries(parts).map(([name, bytes]) => [name, text(bytes)])) }
}

/** d modulo factor - 1, which the file leaves out. */
function reduced(d: Buffer, factor: Buffer): Buffer {
  const modulus = number(factor) - 1n
  const hex = modulus > 0n ? (number(d) % modulus).toString(16) : '0'
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
}

const number = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex') || '0'}`)
const text = (bytes: Buffer): string => bytes.toString('base64url')

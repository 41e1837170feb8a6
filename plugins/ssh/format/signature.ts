import { verify } from 'node:crypto'
import { unhandled } from 'mayfly/plugin'
import { curveOf } from './curves.ts'
import type { EcdsaType } from './curves.ts'
import { keyObject } from './public-key.ts'
import type { PublicKey } from './public-key.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

const rsaHashes: Readonly<Record<string, string>> = { 'rsa-sha2-512': 'sha512', 'rsa-sha2-256': 'sha256' }

/** Whether `signature`, a string of algorithm and bytes, is by `key` over `message`. One that cannot be read, or is of an algorithm that is not the key's, SHA-1 with RSA included, is
 *  false too: the caller has one question. FIDO signatures are over more than the message and are not taken. */
export function isSignedBy(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verified(key, message, signature)
  } catch {
    return false
  }
}

function verified(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  const reader = new WireReader(signature, 'signature')
  const algorithm = reader.text('algorithm')
  const bytes = reader.string('bytes')
  reader.end()
  switch (key.type) {
    case 'ssh-ed25519':
      return algorithm === key.type && verify(null, message, keyObject(key), bytes)
    case 'ssh-rsa':
      return bytes.length === key.n.length && verify(rsaHash(algorithm), message, keyObject(key), bytes)
    case 'sk-ssh-ed25519@openssh.com':
    case 'sk-ecdsa-sha2-nistp256@openssh.com':
      return false
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
      return algorithm === key.type && verifiedOnCurve(key, key.type, message, bytes)
    default:
      return unhandled(key)
  }
}

function verifiedOnCurve(key: PublicKey, type: EcdsaType, message: Uint8Array, bytes: Buffer): boolean {
  const { hash, coordinateBytes } = curveOf(type)
  const reader = new WireReader(bytes, 'signature')
  const halves = [reader.mpint('r'), reader.mpint('s')]
  reader.end()
  const padded = Buffer.concat(halves.map(half => Buffer.concat([Buffer.alloc(coordinateBytes - half.length), half])))
  return verify(hash, message, { key: keyObject(key), dsaEncoding: 'ieee-p1363' }, padded)
}

function rsaHash(algorithm: string): string {
  const hash = rsaHashes[algorithm]
  if (hash === undefined) throw new Error(`not an RSA signature algorithm: ${algorithm}`)
  return hash
}

/** RFC 4253 section 6.6: what stands in certificates, in SSHSIG and in an agent's answer. */
export function signatureBlob(algorithm: string, bytes: Uint8Array): Buffer {
  return new WireWriter().string(algorithm).string(bytes).finish()
}

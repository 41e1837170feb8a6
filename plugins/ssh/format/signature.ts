import { verify } from 'node:crypto'
import type { KeyObject, VerifyKeyObjectInput } from 'node:crypto'
import { unhandled } from 'mayfly/plugin'
import { curveOf } from './curves.ts'
import type { EcdsaType } from './curves.ts'
import { keyObject } from './public-key.ts'
import type { PublicKey } from './public-key.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

/** What `node:crypto` is asked. */
interface Question {
  readonly hash: string | null
  readonly key: KeyObject | VerifyKeyObjectInput
  readonly bytes: Buffer
}

const rsaHashes: ReadonlyMap<string, string> = new Map([
  ['rsa-sha2-512', 'sha512'],
  ['rsa-sha2-256', 'sha256']
])

/** Whether `signature`, a string of algorithm and bytes, is by `key` over `message`. One that cannot be read, or is of an algorithm that is not the key's, SHA-1 with RSA included, is
 *  false too: the caller has one question. FIDO signatures are over more than the message and are not taken. */
export function isSignedBy(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  const question = questionOf(key, signature)
  if (!question) return false
  try {
    return verify(question.hash, message, question.key, question.bytes)
  } catch {
    return false
  }
}

/** The same, in libuv's pool: an Ed25519 signature takes 160 µs to verify, of which the event loop keeps 10 (measured). */
export function isSignedByAside(key: PublicKey, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const question = questionOf(key, signature)
  if (!question) return Promise.resolve(false)
  return new Promise(resolve => {
    verify(question.hash, message, question.key, question.bytes, (error, good) => resolve(!error && good))
  })
}

function questionOf(key: PublicKey, signature: Uint8Array): Question | undefined {
  try {
    const reader = new WireReader(signature, 'signature')
    const algorithm = reader.text('algorithm')
    const bytes = reader.string('bytes')
    reader.end()
    return questionFor(key, algorithm, bytes)
  } catch {
    return undefined
  }
}

function questionFor(key: PublicKey, algorithm: string, bytes: Buffer): Question | undefined {
  switch (key.type) {
    case 'ssh-ed25519':
      return algorithm === key.type ? { hash: null, key: keyObject(key), bytes } : undefined
    case 'ssh-rsa': {
      const hash = rsaHashes.get(algorithm)
      return hash !== undefined && bytes.length === key.n.length ? { hash, key: keyObject(key), bytes } : undefined
    }
    case 'sk-ssh-ed25519@openssh.com':
    case 'sk-ecdsa-sha2-nistp256@openssh.com':
      return undefined
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
      return algorithm === key.type ? curveQuestion(key, key.type, bytes) : undefined
    default:
      return unhandled(key)
  }
}

function curveQuestion(key: PublicKey, type: EcdsaType, bytes: Buffer): Question {
  const { hash, coordinateBytes } = curveOf(type)
  const reader = new WireReader(bytes, 'signature')
  const halves = [reader.mpint('r'), reader.mpint('s')]
  reader.end()
  const padded = Buffer.concat(halves.map(half => Buffer.concat([Buffer.alloc(coordinateBytes - half.length), half])))
  return { hash, key: { key: keyObject(key), dsaEncoding: 'ieee-p1363' }, bytes: padded }
}

/** RFC 4253 section 6.6: what stands in certificates, in SSHSIG and in an agent's answer. */
export function signatureBlob(algorithm: string, bytes: Uint8Array): Buffer {
  return new WireWriter().string(algorithm).string(bytes).finish()
}

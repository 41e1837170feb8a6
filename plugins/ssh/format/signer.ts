import { sign } from 'node:crypto'
import type { KeyObject, SignKeyObjectInput } from 'node:crypto'
import { unhandled } from 'mayfly/plugin'
import { computedTwice } from './computed-twice.ts'
import { curveOf } from './curves.ts'
import type { EcdsaType } from './curves.ts'
import { publicPart } from './key-object.ts'
import type { PublicKey } from './public-key.ts'
import { signatureBlob } from './signature.ts'
import { WireWriter } from './wire-writer.ts'

/** RFC 8332. SHA-1 (`ssh-rsa`) is not among them: no client since 8.2 takes it. */
export type RsaAlgorithm = 'rsa-sha2-512' | 'rsa-sha2-256'

/** What signs certificates, KRLs and an agent's answers. A key in a KMS is another implementation of the same members. */
export interface Signer {
  readonly publicKey: PublicKey
  /** Each signature is computed twice, and given when both are the same (`computedTwice` says what that finds and what not). Without it, whoever gives one away verifies it first. */
  readonly repeats?: true
  /** A string of algorithm and bytes, by `key`'s own algorithm. */
  sign(message: Uint8Array): Promise<Buffer>
}

/** Signs with a private key in this process. `rsa` says with which hash an RSA key does. */
export function signerOf(privateKey: KeyObject, rsa: RsaAlgorithm = 'rsa-sha2-512'): Signer {
  const publicKey = publicPart(privateKey)
  switch (publicKey.type) {
    case 'ssh-ed25519':
      return {
        publicKey,
        repeats: true,
        sign: async message => signatureBlob(publicKey.type, await computedTwice(() => signAside(null, message, privateKey)))
      }
    case 'ssh-rsa':
      return { publicKey, sign: async message => signatureBlob(rsa, await signAside(rsaHash(rsa), message, privateKey)) }
    case 'sk-ssh-ed25519@openssh.com':
    case 'sk-ecdsa-sha2-nistp256@openssh.com':
      throw new Error('a FIDO key has no private half in this process')
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
      return { publicKey, sign: message => signOnCurve(publicKey.type, privateKey, message) }
    default:
      return unhandled(publicKey)
  }
}

function rsaHash(algorithm: RsaAlgorithm): string {
  switch (algorithm) {
    case 'rsa-sha2-512':
      return 'sha512'
    case 'rsa-sha2-256':
      return 'sha256'
    default:
      return unhandled(algorithm)
  }
}

async function signOnCurve(type: EcdsaType, key: KeyObject, message: Uint8Array): Promise<Buffer> {
  const { hash, coordinateBytes } = curveOf(type)
  const halves = await signAside(hash, message, { key, dsaEncoding: 'ieee-p1363' })
  const bytes = new WireWriter().mpint(halves.subarray(0, coordinateBytes)).mpint(halves.subarray(coordinateBytes)).finish()
  return signatureBlob(type, bytes)
}

/** In libuv's pool: RSA takes 2 to 7 ms, P-521 3; and of the 65 µs of Ed25519 the event loop keeps 7 (measured). */
function signAside(hash: string | null, message: Uint8Array, key: KeyObject | SignKeyObjectInput): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    sign(hash, message, key, (error, signature) => (error ? reject(error) : resolve(signature)))
  })
}

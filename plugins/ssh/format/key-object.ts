import { createPublicKey } from 'node:crypto'
import type { JsonWebKeyInput, KeyObject } from 'node:crypto'
import { BrokerError } from 'mayfly/plugin'
import type { EcdsaType } from './curves.ts'
import type { PublicKey } from './public-key.ts'

const ecdsaTypes: Readonly<Record<string, EcdsaType>> = {
  'P-256': 'ecdsa-sha2-nistp256',
  'P-384': 'ecdsa-sha2-nistp384',
  'P-521': 'ecdsa-sha2-nistp521'
}

/** The public half of a key that `node:crypto` holds, private or public. */
export function publicPart(key: KeyObject): PublicKey {
  const { kty, crv = '', x = '', y = '', e = '', n = '' } = exported(key)
  const ecdsa = ecdsaTypes[crv]
  if (kty === 'OKP' && crv === 'Ed25519') return { type: 'ssh-ed25519', point: bytes(x) }
  if (kty === 'RSA') return { type: 'ssh-rsa', e: bytes(e), n: bytes(n) }
  if (kty === 'EC' && ecdsa) return { type: ecdsa, point: Buffer.concat([Buffer.of(4), bytes(x), bytes(y)]) }
  throw unknownInSsh(key)
}

function exported(key: KeyObject): JsonWebKeyInput['key'] {
  try {
    return (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' })
  } catch {
    // DSA, RSA-PSS, and curves without a name there.
    throw unknownInSsh(key)
  }
}

function unknownInSsh(key: KeyObject): BrokerError {
  const { namedCurve = '' } = key.asymmetricKeyDetails ?? {}
  return new BrokerError('invalid_request', `keys of type ${[key.asymmetricKeyType, namedCurve].join(' ').trim()} are not accepted`)
}

const bytes = (text: string): Buffer => Buffer.from(text, 'base64url')

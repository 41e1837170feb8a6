import { createHash } from 'node:crypto'
import { BrokerError } from 'mayfly/plugin'
import type { MountReader } from 'mayfly/plugin'
import type { CertificateKind } from '../format/certificate.ts'
import { keyBlob } from '../format/public-key.ts'
import type { PublicKey } from '../format/public-key.ts'

/** `revoked`: somebody else may have it. `host`: it is a host's, and no person's. */
export type BlockedKey = { readonly why: 'revoked' | 'host'; readonly at: number; readonly fingerprint: string }

/** SHA-256 of its blob, in hex: a name that a row can have. */
export function keyHash(key: PublicKey): string {
  return createHash('sha256').update(keyBlob(key)).digest('hex')
}

export const blockedKey = (hash: string): string => `blocked-keys/${hash}`

export async function refuseBlocked(storage: MountReader, key: PublicKey, kind: CertificateKind): Promise<void> {
  const stored = await storage.get(blockedKey(keyHash(key)))
  if (!stored) return
  const { why } = stored.value as BlockedKey
  if (why === 'revoked') throw new BrokerError('invalid_request', 'public_key: this key was revoked: make a new one')
  if (kind === 'user') throw new BrokerError('invalid_request', 'public_key: this is the key of a host')
}

import { createHash } from 'node:crypto'
import type { BackendContext, MountStorage } from 'mayfly/plugin'
import { fingerprint, keyBlob } from '../format/public-key.ts'
import type { PublicKey } from '../format/public-key.ts'

/** `revoked`: somebody else may have it. `host`: it is a host's, and no person's. */
export type BlockedKey = { readonly why: 'revoked' | 'host'; readonly at: number; readonly fingerprint: string }

/** SHA-256 of its blob, in hex: a name that a row can have. */
export function keyHash(key: PublicKey): string {
  return createHash('sha256').update(keyBlob(key)).digest('hex')
}

export const blockedKey = (hash: string): string => `blocked-keys/${hash}`

/** A host proves who it is with this key: nobody shall log in with it. */
export async function keepHostKey({ clock }: BackendContext, key: PublicKey, storage: MountStorage): Promise<void> {
  const row = blockedKey(keyHash(key))
  if (await storage.get(row)) return
  const at = Math.floor(clock.now().epochMilliseconds / 1_000)
  storage.put(row, { why: 'host', at, fingerprint: fingerprint(key) } satisfies BlockedKey)
}

import type { MountReader } from 'mayfly/plugin'
import type { BlockedKey } from './blocked-key.ts'

const prefix = 'blocked-keys/'

/** SHA-256 of the keys that somebody else may have, as the list of the revoked names them. */
export async function blockedFingerprints(storage: MountReader): Promise<readonly Buffer[]> {
  const found: Buffer[] = []
  for (let after = ''; ;) {
    const hashes = await storage.list(prefix, { after })
    for (const hash of hashes) {
      const stored = await storage.get(prefix + hash)
      if ((stored?.value as BlockedKey | undefined)?.why === 'revoked') found.push(Buffer.from(hash, 'hex'))
    }
    if (hashes.length === 0) return found
    after = hashes.at(-1)!
  }
}

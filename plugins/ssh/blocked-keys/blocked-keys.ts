import { createHash } from 'node:crypto'
import type { BackendContext, MountReader, MountStorage } from 'mayfly/plugin'
import { fingerprint, keyBlob } from '../format/public-key.ts'
import type { PublicKey } from '../format/public-key.ts'

/** `revoked`: somebody else may have it. `host`: it is a host's, and no person's. */
export type BlockedKey = { readonly why: 'revoked' | 'host'; readonly at: number; readonly fingerprint: string }

const prefix = 'blocked-keys/'
// Written anew with every change, so that who has seen it knows whether anything changed: a row that is there costs nothing to read again, one that is not costs a message.
const changedKey = 'blocked-keys-changed'
const nonceBytes = 12
// All of them are in memory, and the revoked ones in every KRL: 2 MB of the 4 that a host takes.
const keysMax = 60_000

/** SHA-256 of its blob, in hex: a name that a row can have. */
export function keyHash(key: PublicKey): string {
  return createHash('sha256').update(keyBlob(key)).digest('hex')
}

export async function readBlockedKey(storage: MountReader, hash: string): Promise<BlockedKey | undefined> {
  return /^[0-9a-f]{64}$/.test(hash) ? ((await storage.get(prefix + hash))?.value as BlockedKey | undefined) : undefined
}

/** Public keys that are not signed, of a mount. */
export class BlockedKeys {
  readonly #context: BackendContext
  #hashes: { readonly version: number; readonly set: ReadonlySet<string> } | undefined

  constructor(context: BackendContext) {
    this.#context = context
  }

  async find(key: PublicKey): Promise<BlockedKey | undefined> {
    const hash = keyHash(key)
    return (await this.#known()).has(hash) ? readBlockedKey(this.#context.storage, hash) : undefined
  }

  async isFull(): Promise<boolean> {
    return (await this.#known()).size >= keysMax
  }

  async #known(): Promise<ReadonlySet<string>> {
    const { storage } = this.#context
    const version = (await storage.get(changedKey))?.version ?? 0
    if (this.#hashes?.version !== version) this.#hashes = { version, set: new Set(await allHashes(storage)) }
    return this.#hashes.set
  }

  add(key: PublicKey, why: BlockedKey['why'], storage: MountStorage): void {
    const at = Math.floor(this.#context.clock.now().epochMilliseconds / 1_000)
    storage.put(prefix + keyHash(key), { why, at, fingerprint: fingerprint(key) } satisfies BlockedKey)
    this.changed(storage)
  }

  remove(hash: string, storage: MountStorage): void {
    storage.remove(prefix + hash)
    this.changed(storage)
  }

  changed(storage: MountStorage): void {
    storage.put(changedKey, Buffer.from(this.#context.random.bytes(nonceBytes)).toString('hex'))
  }
}

/** SHA-256 of the keys that somebody else may have, as the list of the revoked names them. */
export async function revokedKeyHashes(storage: MountReader): Promise<readonly Buffer[]> {
  const found: Buffer[] = []
  for (const hash of await allHashes(storage))
    if ((await readBlockedKey(storage, hash))?.why === 'revoked') found.push(Buffer.from(hash, 'hex'))
  return found
}

async function allHashes(storage: MountReader): Promise<readonly string[]> {
  const all: string[] = []
  for (let after = ''; ;) {
    const hashes = await storage.list(prefix, { after })
    if (hashes.length === 0) return all
    all.push(...hashes)
    after = hashes.at(-1)!
  }
}

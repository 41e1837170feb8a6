/** Which serials are revoked: rows of the mount, many serials to a row, because revoked serials lie close together and a row costs a sealing. An entry stays until its
 *  certificate has expired, and an hour more. */
import type { MountReader, MountStorage } from 'mayfly/plugin'

// The hosts' clocks may be behind ours.
const keptAfterSeconds = 3_600
const serialsPerRow = 1_024
const rowDigits = 13

/** `until`: when its certificate expires, in seconds. `since`: a version of the KRL that is published and names it; 0 = none yet. */
type Entry = readonly [until: number, since: number]
type Row = Readonly<Record<string, Entry>>

export interface Revoked {
  readonly serial: number
  readonly until: number
}

/** Rows that were read and are changed together, each written once. */
export class RevokedRows {
  readonly #storage: MountStorage
  readonly #issuer: string
  readonly #rows = new Map<string, { row: Record<string, Entry>; readonly version: number; changed: boolean }>()

  constructor(storage: MountStorage, issuer: string) {
    this.#storage = storage
    this.#issuer = issuer
  }

  /** The version of the KRL that it is known to be in, 0 = none yet; undefined: it is not revoked. */
  async since(serial: number): Promise<number | undefined> {
    return (await this.#read(serial)).row[serial]?.[1]
  }

  async add({ serial, until }: Revoked): Promise<void> {
    const kept = await this.#read(serial)
    kept.row[serial] = [until, 0]
    kept.changed = true
  }

  async published(serial: number, version: number): Promise<void> {
    const kept = await this.#read(serial)
    const entry = kept.row[serial]
    if (!entry) return
    kept.row[serial] = [entry[0], version]
    kept.changed = true
  }

  /** Collects the writes. One that was changed by others meanwhile fails the whole commit. */
  write(): void {
    for (const [key, { row, version, changed }] of this.#rows) if (changed) this.#storage.put(key, row, version)
  }

  async #read(serial: number) {
    const key = rowKey(this.#issuer, serial)
    const known = this.#rows.get(key)
    if (known) return known
    const stored = await this.#storage.get(key)
    const read = { row: { ...(stored?.value as Row | undefined) }, version: stored?.version ?? 0, changed: false }
    this.#rows.set(key, read)
    return read
  }
}

/** All that is still to be refused, and the rows of which nothing is. */
export async function readRevoked(
  storage: MountReader,
  issuer: string,
  nowSeconds: number
): Promise<{ readonly serials: readonly bigint[]; readonly over: readonly { readonly key: string; readonly version: number }[] }> {
  const prefix = rowsPrefix(issuer)
  const serials: bigint[] = []
  const over: { key: string; version: number }[] = []
  for (let after = ''; ;) {
    const keys = await storage.list(prefix, { after })
    for (const key of keys) {
      const stored = await storage.get(prefix + key)
      if (!stored) continue
      const live = Object.entries(stored.value as Row).filter(([, [until]]) => until + keptAfterSeconds > nowSeconds)
      for (const [serial] of live) serials.push(BigInt(serial))
      if (live.length === 0) over.push({ key: prefix + key, version: stored.version })
    }
    if (keys.length === 0) return { serials, over }
    after = keys.at(-1)!
  }
}

export async function hasRevoked(storage: MountReader, issuer: string): Promise<boolean> {
  return (await storage.list(rowsPrefix(issuer), { limit: 1 })).length > 0
}

const rowsPrefix = (issuer: string): string => `krl/serials/${issuer}/`

function rowKey(issuer: string, serial: number): string {
  return `${rowsPrefix(issuer)}${String(Math.floor(serial / serialsPerRow)).padStart(rowDigits, '0')}`
}

/** An issuer: one key that signs certificates.
 *
 *      next ───► active ───► retiring ───► retired
 *        ▲         ▲ │          │ ▲
 *        └─────────┘ └──────────┘ │         any of the first three ───► revoked
 *
 *  next       published, so that hosts learn it; does not sign
 *  active     signs
 *  retiring   published, so that what it signed stays good until it expires; does not sign
 *  retired    its last certificate has expired: no longer published, its key is destroyed
 *  revoked    its key is not trusted any more (a leak): hosts are told to refuse all that it signed; its key is destroyed
 *
 *  A deleted issuer is kept out of sight until its last certificate is over, because that may still be revoked. */
import type { MountReader, MountStorage } from 'mayfly/plugin'

export type Phase = 'next' | 'active' | 'retiring' | 'retired' | 'revoked' | 'deleted'

/** Which certificates it signs. */
export type Signs = 'any' | 'user' | 'host'

export type Issuer = {
  readonly id: string
  readonly name: string
  readonly phase: Phase
  readonly signs: Signs
  /** The key line, without its newline. */
  readonly publicKey: string
  readonly fingerprint: string
  /** Seconds of the epoch. */
  readonly madeAt: number
  /** Since when it is in its phase. */
  readonly since: number
}

/** All issuers of a mount are one row: whoever signs reads one, and two changes at a time cannot both win. */
export type Issuers = {
  /** '' = none. */
  readonly default: string
  /** What signs hosts where no issuer is named; '' = the default. */
  readonly defaultHost: string
  readonly issuers: readonly Issuer[]
}

// A mount has one, or two while it rotates. The row is read with every certificate.
export const issuersMax = 32

const key = 'issuers'
export const issuerKeyRow = (id: string): string => `issuer-keys/${id}`

const none: Issuers = { default: '', defaultHost: '', issuers: [] }

export async function readIssuers(storage: MountReader): Promise<{ readonly all: Issuers; readonly version: number }> {
  const stored = await storage.get(key)
  return stored ? { all: stored.value as Issuers, version: stored.version } : { all: none, version: 0 }
}

export function putIssuers(storage: MountStorage, all: Issuers, version: number): void {
  storage.put(key, all, version)
}

/** With this one in the place of what has its id. */
export function replaced(all: Issuers, issuer: Issuer): Issuers {
  return { ...all, issuers: all.issuers.map(one => (one.id === issuer.id ? issuer : one)) }
}

/** Those that a caller may see. */
export function shownIssuers(all: Issuers): readonly Issuer[] {
  return all.issuers.filter(({ phase }) => phase !== 'deleted')
}

/** Those that hosts and clients are to trust. */
export function publishedIssuers(all: Issuers): readonly Issuer[] {
  return all.issuers.filter(({ phase }) => phase === 'next' || phase === 'active' || phase === 'retiring')
}

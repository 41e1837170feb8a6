/** The root of a mount: the keys with which the broker works in an account.
 *
 *    config/root   what the operator wrote last, and the number of the version that new leases get
 *    root/<n>      version n: where, whose keys, and of which account; kept as long as a lease may live there */
import type { MountReader, TargetId } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import type { Place } from '../account/place.ts'

export const rootKey = 'config/root'

export type RootConfig = {
  readonly region: string
  readonly iamEndpoint: string
  readonly stsEndpoint: string
  readonly maxRetries: number
  readonly usernameTemplate: string
  /** 0: what the engine finds. */
  readonly callsPerSecond: number
  readonly version: string
  /** Ids of keys that a rotation deleted. */
  readonly formerKeys?: readonly string[]
}

export type RootVersion = {
  readonly place: Place
  readonly accessKey: string
  readonly secretKey: string
  readonly callsPerSecond: number
  /** Twelve digits, and the principal; null until AWS was asked. */
  readonly account: string | null
  readonly arn: string | null
}

export interface Root {
  readonly config: RootConfig
  readonly row: number
  readonly version: RootVersion
  readonly versionRow: number
}

export const versionKey = (number: string): string => `root/${number}`

/** A target is one version of the root and one type of credential: what is listed and swept for one type says nothing of the others. */
export const targetOf = ({ context }: Pick<Engine, 'context'>, type: string, number: string) =>
  `${context.mount.uuid}/${type}/${number}` as TargetId
export const numberOf = (target: TargetId): string => target.slice(target.lastIndexOf('/') + 1)

export async function readRoot(storage: MountReader): Promise<Root | undefined> {
  const stored = await storage.get(rootKey)
  if (!stored) return undefined
  const config = stored.value as RootConfig
  const version = await readVersion(storage, config.version)
  return version && { config, row: stored.version, version: version.version, versionRow: version.row }
}

export async function readVersion(
  storage: MountReader,
  number: string
): Promise<{ readonly version: RootVersion; readonly row: number } | undefined> {
  const stored = await storage.get(versionKey(number))
  return stored && { version: stored.value as unknown as RootVersion, row: stored.version }
}

// More versions than these are only there when leases live in as many accounts.
const versionsMax = 1_000

export async function keptVersions(
  storage: MountReader
): Promise<readonly { readonly number: string; readonly version: RootVersion; readonly row: number }[]> {
  const kept = []
  for (const number of await storage.list('root/', { limit: versionsMax })) {
    const stored = await readVersion(storage, number)
    if (stored) kept.push({ number, ...stored })
  }
  return kept
}

import type { AuthContext, LoginStorage, Version } from '../../contracts/index.ts'
import type { Role } from './role.ts'

/** What is kept of a secret id: never itself, only where its hash leads. */
export interface SecretId {
  readonly accessor: string
  /** Milliseconds; 0 = no end. */
  readonly created: number
  readonly expires: number
  readonly ttl: number
  /** As it was made; 0 = without limit. How many are left stands beside the row. */
  readonly num_uses: number
  readonly metadata: Readonly<Record<string, string>>
  readonly cidr_list: readonly string[]
  readonly token_bound_cidrs: readonly string[]
}

/** A secret id that may still be used. */
export interface StoredSecretId {
  readonly secretId: SecretId
  readonly hash: string
  readonly version: Version
  readonly uses: number
}

export const secretIdCharsMax = 512

/** Bound to the role: the same chosen secret id at two roles is two secret ids. */
export function secretIdHash({ mac }: Pick<AuthContext, 'mac'>, role: Role, secretId: string): string {
  return mac(`secret-id\n${role.id}\n${secretId}`)
}

export function secretIdKey(role: Pick<Role, 'id'>, hash: string): string {
  return `secret/${role.id}/${hash}`
}

export function accessorKey(role: Pick<Role, 'id'>, accessor: string): string {
  return `accessor/${role.id}/${accessor}`
}

/** In the order of their ends, so that what has ended is found without a look at the rest. */
export function expiryKey(role: Pick<Role, 'id'>, expires: number, hash: string, accessor: string): string {
  return `expiry/${String(expires).padStart(15, '0')}/${role.id}/${hash}/${accessor}`
}

export async function readSecretId(
  { clock }: Pick<AuthContext, 'clock'>,
  storage: LoginStorage,
  role: Role,
  hash: string
): Promise<StoredSecretId | undefined> {
  const row = await storage.counted(secretIdKey(role, hash))
  if (!row) return undefined
  const secretId = row.value as unknown as SecretId
  // Its row may stay until it is tidied; it gives nothing any more.
  if (secretId.expires > 0 && secretId.expires <= clock.now().epochMilliseconds) return undefined
  return { secretId, hash, version: row.version, uses: row.uses }
}

/** By its accessor, which must be this role's (CVE-2023-24999). */
export async function secretIdByAccessor(
  context: Pick<AuthContext, 'clock'>,
  storage: LoginStorage,
  role: Role,
  accessor: string
): Promise<StoredSecretId | undefined> {
  if (!/^[0-9a-f-]{36}$/.test(accessor)) return undefined
  const index = await storage.get(accessorKey(role, accessor))
  return index && readSecretId(context, storage, role, index.value as string)
}

/** With all that leads to it. */
export function removeSecretId(storage: LoginStorage, role: Role, { secretId, hash }: StoredSecretId): void {
  storage.remove(secretIdKey(role, hash))
  removeTraces(storage, role, secretId, hash)
}

/** The last use: the commit fails when somebody else had it. */
export function takeSecretId(storage: LoginStorage, role: Role, { secretId, hash }: StoredSecretId): void {
  storage.take(secretIdKey(role, hash))
  removeTraces(storage, role, secretId, hash)
}

function removeTraces(storage: LoginStorage, role: Role, { accessor, expires }: SecretId, hash: string): void {
  storage.remove(accessorKey(role, accessor))
  if (expires > 0) storage.remove(expiryKey(role, expires, hash, accessor))
}

/** A static role is one existing user of IAM whose access key changes on a clock. No lease, nothing to revoke.
 *
 *    static-roles/<name>   what the operator wrote
 *    static-creds/<name>   its key, the one before it, and the clock
 *    static-users/…        which role has which user: one each
 *
 *  IAM lets a user have two keys. The one before the present one stays until the next is made, so whoever reads now and then never holds a key that is gone.
 *
 *  The secret of a key is told once. So what is durable before the call is which keys stay (`making`): whatever else the user has when the call is made anew was made by a
 *  call whose answer was lost, and goes. */
import { createHash } from 'node:crypto'
import { field } from 'mayfly/plugin'
import type { MountReader, z } from 'mayfly/plugin'
import { isRoleName } from '../role/role.ts'

export const staticRoleFields = { username: field.text(), rotation_period: field.duration() }
export type StaticRoleFields = z.output<z.ZodObject<typeof staticRoleFields>>

export type StaticRole = {
  readonly username: string
  /** Of AWS: a user of the same name that was made anew is another. */
  readonly userId: string
  /** Seconds. */
  readonly period: number
}

export type StaticCredential = {
  /** `null` until the first key is made. */
  readonly accessKey: string | null
  readonly secretKey: string | null
  /** The one before; gone with the next rotation. */
  readonly formerKey: string | null
  /** The keys that stay while the next one is made. */
  readonly making: readonly string[] | null
  readonly rotatedAt: string | null
  readonly nextAt: string
}

export const staticRoleKey = (name: string): string => `static-roles/${name}`
export const staticCredentialKey = (name: string): string => `static-creds/${name}`

/** Names of IAM are one whatever their case. */
export function staticUserKey(account: string, username: string): string {
  const digest = createHash('sha256').update(JSON.stringify([account, username.toLowerCase()]))
  return `static-users/${digest.digest('hex').slice(0, 40)}`
}

export async function readStaticRole(
  storage: MountReader,
  name: string
): Promise<{ readonly role: StaticRole; readonly version: number } | undefined> {
  const stored = isRoleName(name) ? await storage.get(staticRoleKey(name)) : undefined
  return stored && { role: stored.value as unknown as StaticRole, version: stored.version }
}

export async function readStaticCredential(
  storage: MountReader,
  name: string
): Promise<{ readonly credential: StaticCredential; readonly version: number } | undefined> {
  const stored = isRoleName(name) ? await storage.get(staticCredentialKey(name)) : undefined
  return stored && { credential: stored.value as unknown as StaticCredential, version: stored.version }
}

/** A static role is one existing account of a server whose password changes on a clock. No lease, nothing to revoke.
 *
 *    static-roles/<name>   what the operator wrote
 *    static-creds/<name>   its password, the one that follows while a rotation is on its way, and the clock
 *    static-users/…        who rotates which account: one role each (static-users.ts)
 *
 *  The next password is durable before the server hears of it, and stays `pending` until the server has it for sure. */
import { field } from 'mayfly/plugin'
import type { JsonObject, MountReader, z } from 'mayfly/plugin'
import { isName } from '../name/names.ts'

export const staticRoleFields = {
  db_name: field.text(),
  username: field.text(),
  rotation_period: field.duration(),
  rotation_schedule: field.text(),
  rotation_window: field.duration(),
  rotation_statements: field.list(),
  credential_type: field.text(),
  credential_config: field.map(),
  // Known, and refused: what they ask for would be done otherwise in silence.
  skip_import_rotation: field.boolean(),
  self_managed_password: field.text()
}
export type StaticRoleFields = z.output<z.ZodObject<typeof staticRoleFields>>

/** `null`: not written. Either a period or a schedule is there. */
export type StaticRole = {
  readonly dbName: string
  readonly username: string
  /** Seconds. */
  readonly period: number | null
  readonly schedule: string | null
  /** Seconds. */
  readonly window: number | null
  readonly statements: readonly string[]
  readonly credentialConfig: Readonly<Record<string, string>> | null
  /** The rows by which nobody else rotates this account. */
  readonly claims: readonly string[]
}

export type StaticCredential = {
  /** `null` until the first rotation is done. */
  readonly password: string | null
  /** Chosen and durable, and maybe in the server already. */
  readonly pending: string | null
  readonly rotatedAt: string | null
  /** When the pending one takes the place of the password. */
  readonly nextAt: string
}

export const staticRoleKey = (name: string): string => `static-roles/${name}`
export const staticCredentialKey = (name: string): string => `static-creds/${name}`

export async function readStaticRole(storage: MountReader, name: string): Promise<{ role: StaticRole; version: number } | undefined> {
  const stored = isName(name) ? await storage.get(staticRoleKey(name)) : undefined
  return stored && { role: stored.value as unknown as StaticRole, version: stored.version }
}

export async function readStaticCredential(
  storage: MountReader,
  name: string
): Promise<{ credential: StaticCredential; version: number } | undefined> {
  const stored = isName(name) ? await storage.get(staticCredentialKey(name)) : undefined
  return stored && { credential: stored.value as unknown as StaticCredential, version: stored.version }
}

/** As role and credential say it. */
export function shownClock({ period, schedule, window }: StaticRole): JsonObject {
  if (schedule === null) return { rotation_period: period ?? 0 }
  return { rotation_schedule: schedule, ...(window !== null && { rotation_window: window }) }
}

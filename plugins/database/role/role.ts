import { field } from 'mayfly/plugin'
import type { MountReader, OwnedObjects, Stored, z } from 'mayfly/plugin'
import { isName } from '../name/names.ts'

export const roleFields = {
  db_name: field.text(),
  creation_statements: field.list(),
  revocation_statements: field.list(),
  renew_statements: field.list(),
  rollback_statements: field.list(),
  default_ttl: field.duration(),
  max_ttl: field.duration(),
  credential_type: field.text(),
  credential_config: field.map(),
  // Mayfly's own.
  member_of: field.commaList(),
  owned_objects: field.text(),
  reassign_to: field.text(),
  connection_limit: field.integer(),
  host: field.text(),
  accept_open_sessions: field.boolean(),
  lease_outlives_token: field.boolean()
}
export type RoleFields = z.output<z.ZodObject<typeof roleFields>>

/** `roles/<name>`. `null`: not written, so a read leaves it out. */
export type Role = {
  readonly dbName: string
  readonly creation: readonly string[]
  readonly revocation: readonly string[]
  readonly renew: readonly string[]
  readonly rollback: readonly string[]
  readonly defaultTtl: number
  readonly maxTtl: number
  readonly credentialConfig: Readonly<Record<string, string>> | null
  readonly memberOf: readonly string[] | null
  readonly ownedObjects: OwnedObjects['policy'] | null
  readonly reassignTo: string | null
  readonly connectionLimit: number | null
  readonly host: string | null
  readonly acceptOpenSessions: boolean | null
  readonly leaseOutlivesToken: boolean | null
  /** The driver that has read the statements; null when the connection did not exist yet. */
  readonly readBy: string | null
}

export const roleKey = (name: string): string => `roles/${name}`

export async function readRole(storage: MountReader, name: string): Promise<{ role: Role; version: number } | undefined> {
  const stored = isName(name) ? await storage.get(roleKey(name)) : undefined
  return stored && { role: toRole(stored), version: stored.version }
}

/** Rows from before objects could be reassigned, or users be of a host, name none. */
const toRole = (stored: Stored) => ({ reassignTo: null, host: null, ...(stored.value as object) }) as Role

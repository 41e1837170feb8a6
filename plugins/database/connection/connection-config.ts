import { field } from 'mayfly/plugin'
import type { DatabaseCheck, JsonObject, MountReader, Stored, TargetId, z } from 'mayfly/plugin'
import { isName } from '../name/names.ts'

/** The fields of `config/:name` that every driver shares. */
export const connectionFields = {
  plugin_name: field.text(),
  plugin_version: field.text(),
  verify_connection: field.boolean(),
  allowed_roles: field.commaList(),
  root_rotation_statements: field.list(),
  password_policy: field.text(),
  username_template: field.text(),
  disable_escaping: field.boolean()
}
export type ConnectionFields = z.output<z.ZodObject<typeof connectionFields>>

/** `config/<name>`: what the operator wrote, merged over all writes. Sealed like every row, as it holds the admin password. */
export type ConnectionConfig = {
  readonly pluginName: string
  /** The driver's own name. */
  readonly driver: string
  readonly target: TargetId
  readonly allowedRoles: readonly string[]
  readonly rootRotationStatements: readonly string[]
  readonly passwordPolicy: string
  /** `""`: the engine's own names. */
  readonly usernameTemplate: string
  readonly disableEscaping: boolean | null
  /** Hashes of passwords of operators that were rotated away. */
  readonly formerPasswords?: readonly string[]
  /** Hashes of those that rotations made: the last one, and those before. */
  readonly rotated?: { readonly to: string; readonly before: readonly string[] }
  /** The operator's word on TLS when this was written. */
  readonly tls: 'any' | 'verified'
  /** The driver's fields as written. */
  readonly fields: JsonObject
  /** What the driver lets a reader see of them. */
  readonly details: JsonObject
  /** What the server could do when the connection was written; null when it was not asked. */
  readonly check: DatabaseCheck | null
}

export const configKey = (name: string): string => `config/${name}`

export async function readConfig(storage: MountReader, name: string): Promise<{ config: ConnectionConfig; version: number } | undefined> {
  const stored = isName(name) ? await storage.get(configKey(name)) : undefined
  return stored && { config: toConfig(stored), version: stored.version }
}

/** Rows from before there were templates have none. */
const toConfig = (stored: Stored) => ({ usernameTemplate: '', ...(stored.value as object) }) as ConnectionConfig

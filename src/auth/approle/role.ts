import { BrokerError, field } from '../../contracts/index.ts'
import type { JsonObject, MountReader, Version, z } from '../../contracts/index.ts'
import { boundCidrs } from '../../identity/bound-cidrs.ts'
import { changedTokenSettings, plainTokenSettings, refuseNumber, tokenSettingFields } from '../token-settings.ts'
import type { TokenSettings } from '../token-settings.ts'

/** By the names of the wire: they are read, written and kept as they are. */
export interface RoleSettings extends TokenSettings {
  readonly bind_secret_id: boolean
  readonly secret_id_bound_cidrs: readonly string[]
  /** What a secret id gets that does not say: uses (0 = without limit), seconds (0 = no end). */
  readonly secret_id_num_uses: number
  readonly secret_id_ttl: number
  readonly local_secret_ids: boolean
}

export interface Role {
  /** Of this role and no later one of the same name: on it hang the secret ids. */
  readonly id: string
  readonly name: string
  readonly role_id: string
  /** Milliseconds. */
  readonly created: number
  readonly settings: RoleSettings
}

export interface StoredRole {
  readonly role: Role
  readonly version: Version
}

export const plainSettings: RoleSettings = {
  ...plainTokenSettings,
  bind_secret_id: true,
  secret_id_bound_cidrs: [],
  secret_id_num_uses: 0,
  secret_id_ttl: 0,
  local_secret_ids: false
}

export const roleFields = {
  ...tokenSettingFields,
  bind_secret_id: field.boolean(),
  secret_id_bound_cidrs: field.commaList(),
  secret_id_num_uses: field.integer(),
  secret_id_ttl: field.duration(),
  local_secret_ids: field.boolean(),
  /** Old names of `token_policies`, `token_period` and `secret_id_bound_cidrs`. */
  policies: field.commaList(),
  period: field.duration(),
  bound_cidr_list: field.commaList()
}

export type RoleFields = z.output<z.ZodObject<typeof roleFields>>

/** The settings with what the caller says, all rules asked of the whole. */
export function changedSettings(present: RoleSettings, said: RoleFields): RoleSettings {
  const cidrs = said.secret_id_bound_cidrs ?? said.bound_cidr_list
  const settings = {
    ...present,
    ...changedTokenSettings(present, {
      ...said,
      token_policies: said.token_policies ?? said.policies,
      token_period: said.token_period ?? said.period
    }),
    bind_secret_id: said.bind_secret_id ?? present.bind_secret_id,
    secret_id_bound_cidrs: cidrs ? boundCidrs(cidrs, [], 'secret_id_bound_cidrs') : present.secret_id_bound_cidrs,
    secret_id_num_uses: said.secret_id_num_uses ?? present.secret_id_num_uses,
    secret_id_ttl: said.secret_id_ttl ?? present.secret_id_ttl,
    local_secret_ids: said.local_secret_ids ?? present.local_secret_ids
  }
  refuseNumber('secret_id_num_uses', settings.secret_id_num_uses)
  if (!settings.bind_secret_id && settings.secret_id_bound_cidrs.length === 0 && settings.token_bound_cidrs.length === 0)
    throw new BrokerError('invalid_request', 'at least one constraint should be enabled on the role')
  return settings
}

const alphabet = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,126}[A-Za-z0-9_])?$/

/** One form of a name, everywhere: `Shop` and `shop` are one role. */
export function roleName(asked: string | undefined): string {
  if (asked === undefined || !alphabet.test(asked))
    throw new BrokerError(
      'invalid_request',
      'role name: expected letters, digits, "_", "-" and ".", beginning and ending with a letter, digit or "_"'
    )
  return asked.toLowerCase()
}

export function roleKey(name: string): string {
  return `role/${name}`
}

export async function readRole(storage: MountReader, name: string): Promise<StoredRole | undefined> {
  const stored = await storage.get(roleKey(name))
  return stored && { role: stored.value as unknown as Role, version: stored.version }
}

/** The role that a request is about, where there is no answer without it. */
export async function roleAsked(storage: MountReader, asked: string | undefined): Promise<StoredRole> {
  const name = roleName(asked)
  const stored = await readRole(storage, name)
  if (!stored) throw new BrokerError('no_route', `role "${name}" does not exist`)
  return stored
}

export function roleJson(role: Role): JsonObject {
  return role as unknown as JsonObject
}

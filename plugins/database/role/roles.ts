import { BrokerError, path } from 'mayfly/plugin'
import type { Answer, DatabaseDriver, JsonObject, MountStorage, Path, PathRequest } from 'mayfly/plugin'
import { readConfig } from '../connection/connection-config.ts'
import { driverNamed } from '../engine.ts'
import type { Engine } from '../engine.ts'
import { mergedHost, refuseHost } from '../creds/host.ts'
import { listKeys, pageFields } from '../key-list.ts'
import { roleName } from '../name/names.ts'
import { mergedOwned, ownedWarnings, refuseUnknownOwned } from './owned-objects.ts'
import { refuseMissingPolicy } from '../creds/password.ts'
import { readRole, roleFields, roleKey } from './role.ts'
import type { Role, RoleFields } from './role.ts'
import { statementList } from './statement-list.ts'
import { readStaticRole } from '../static/static-role.ts'

/** `roles` and `roles/:name`. */
export function rolePaths(engine: Engine): readonly Path[] {
  return [
    path({
      pattern: 'roles',
      summary: 'the roles of this mount',
      fields: pageFields,
      list: ({ fields }, storage) => listKeys(storage, 'roles/', fields)
    }),
    path({
      pattern: 'roles/:name',
      summary: 'which statements or groups make a user, at which connection, for how long',
      fields: roleFields,
      exists: async ({ params }, storage) => (await readRole(storage, params['name'] ?? '')) !== undefined,
      read: async ({ params }, storage) => {
        const stored = await readRole(storage, params['name'] ?? '')
        return stored && { data: shownRole(stored.role) }
      },
      write: (request, storage) => writeRole(engine, request, storage),
      delete: async ({ params }, storage) => deleteRole(params['name'] ?? '', storage)
    })
  ]
}

/** All fields of the wire, always and as lists and integers, because clients cast them; our own when written. */
function shownRole(role: Role): JsonObject {
  return {
    db_name: role.dbName,
    creation_statements: role.creation,
    revocation_statements: role.revocation,
    renew_statements: role.renew,
    rollback_statements: role.rollback,
    default_ttl: role.defaultTtl,
    max_ttl: role.maxTtl,
    credential_type: 'password',
    ...(role.credentialConfig !== null && { credential_config: role.credentialConfig }),
    ...(role.memberOf !== null && { member_of: role.memberOf }),
    ...(role.ownedObjects !== null && { owned_objects: role.ownedObjects }),
    ...(role.reassignTo !== null && { reassign_to: role.reassignTo }),
    ...(role.connectionLimit !== null && { connection_limit: role.connectionLimit }),
    ...(role.host !== null && { host: role.host }),
    ...(role.acceptOpenSessions !== null && { accept_open_sessions: role.acceptOpenSessions }),
    ...(role.leaseOutlivesToken !== null && { lease_outlives_token: role.leaseOutlivesToken })
  }
}

async function writeRole(engine: Engine, request: PathRequest<RoleFields>, storage: MountStorage): Promise<Answer> {
  const name = roleName(request.params['name'])
  const stored = await readRole(storage, name)
  if (!stored && (await readStaticRole(storage, name)))
    throw new BrokerError('invalid_request', 'Role and Static Role names must be unique')
  refuse(request.fields)
  await refuseMissingPolicy(
    engine.context,
    'credential_config: password_policy',
    request.fields.credential_config?.['password_policy'] ?? ''
  )
  const merged = mergedRole(request.fields, stored?.role)
  if (merged.creation.length === 0 && !merged.memberOf?.length) throw new BrokerError('invalid_request', 'empty creation statements')
  const connection = await readConfig(storage, merged.dbName)
  const driver = connection && driverNamed(engine.context, connection.config.driver)
  if (driver) refuseUnknownOwned(driver, merged)
  if (driver) refuseHost(driver, merged)
  const warnings = driver ? readStatements(driver, merged) : []
  storage.put(roleKey(name), { ...merged, readBy: driver?.name ?? null } satisfies Role, stored?.version ?? 0)
  const told = [...warnings, ...ownedWarnings(merged), ...withoutEffect(merged)]
  return told.length > 0 ? { warnings: told } : undefined
}

function refuse(fields: RoleFields): void {
  refuseCredential(fields.credential_type ?? 'password', fields.credential_config ?? {})
  if (fields.connection_limit !== undefined && fields.connection_limit < 1)
    throw new BrokerError('invalid_request', 'connection_limit: at least 1')
}

export function refuseCredential(type: string, config: Readonly<Record<string, string>>): void {
  if (type === 'rsa_private_key' || type === 'client_certificate')
    throw new BrokerError('invalid_request', `unsupported credential_type: "${type}"`)
  if (type !== 'password' && type !== '') throw new BrokerError('invalid_request', `invalid credential_type "${type}"`)
  const unknown = Object.keys(config).find(key => key !== 'password_policy')
  if (unknown !== undefined) throw new BrokerError('invalid_request', `credential_config validation failed: unknown key "${unknown}"`)
}

function mergedRole(fields: RoleFields, stored: Role | undefined): Omit<Role, 'readBy'> {
  const dbName = fields.db_name ?? stored?.dbName
  if (!dbName) throw new BrokerError('invalid_request', 'database name is required')
  const statements = (field: 'creation_statements' | 'revocation_statements' | 'renew_statements' | 'rollback_statements') =>
    fields[field] && statementList(field, fields[field])
  return {
    dbName,
    creation: statements('creation_statements') ?? stored?.creation ?? [],
    revocation: statements('revocation_statements') ?? stored?.revocation ?? [],
    renew: statements('renew_statements') ?? stored?.renew ?? [],
    rollback: statements('rollback_statements') ?? stored?.rollback ?? [],
    defaultTtl: fields.default_ttl ?? stored?.defaultTtl ?? 0,
    maxTtl: fields.max_ttl ?? stored?.maxTtl ?? 0,
    credentialConfig: fields.credential_config ?? stored?.credentialConfig ?? null,
    memberOf: fields.member_of ?? stored?.memberOf ?? null,
    ...mergedOwned(fields, stored),
    connectionLimit: fields.connection_limit ?? stored?.connectionLimit ?? null,
    host: mergedHost(fields, stored),
    acceptOpenSessions: fields.accept_open_sessions ?? stored?.acceptOpenSessions ?? null,
    leaseOutlivesToken: fields.lease_outlives_token ?? stored?.leaseOutlivesToken ?? null
  }
}

/** What the driver refuses is refused when it is written. A role may come before its connection: then its statements are read with the first credential. */
export function readStatements(driver: DatabaseDriver, role: Pick<Role, 'creation' | 'renew' | 'revocation'>): readonly string[] {
  return [
    ...driver.statements('creation', role.creation).warnings,
    ...driver.statements('renew', role.renew).warnings,
    ...driver.statements('revocation', role.revocation).warnings
  ]
}

function withoutEffect(role: Omit<Role, 'readBy'>): readonly string[] {
  return role.rollback.length > 0 ? ['rollback_statements are stored, and never run: what failed half-way is revoked'] : []
}

async function deleteRole(name: string, storage: MountStorage): Promise<Answer> {
  const stored = await readRole(storage, name)
  // Live leases keep what they were made with.
  if (stored) storage.remove(roleKey(name), stored.version)
  return undefined
}

import { BrokerError, path } from 'mayfly/plugin'
import type { Answer, DatabaseDriver, Guarantees, MountReader, Path, PathRequest } from 'mayfly/plugin'
import type { ConnectionConfig } from './connection-config.ts'
import type { Handle, Order, Recipe } from './credential.ts'
import type { Engine } from './engine.ts'
import { ownedObjectsOf, refuseUnknownOwned } from './owned-objects.ts'
import { passwordPolicyOf, refuseMissingPolicy } from './password.ts'
import { readRole } from './role.ts'
import type { Role } from './role.ts'
import { readStatements } from './roles.ts'
import { usableConnection } from './usable-connection.ts'
import { newUserName } from './user-name.ts'
import { nameByTemplate } from './user-name-template.ts'

/** `creds/:name`: a read, because the wire says so, which makes something each time. */
export function credsPath(engine: Engine): Path {
  return path({
    pattern: 'creds/:name',
    summary: 'a new user with the rights of the role, and its password',
    read: (request, storage, signal) => planUser(engine, request, storage, signal)
  })
}

async function planUser(engine: Engine, request: PathRequest<unknown>, storage: MountReader, signal: AbortSignal): Promise<Answer> {
  const roleName = request.params['name'] ?? ''
  const { role, version } = await roleAskedFor(storage, roleName)
  const { config, driver } = await usableConnection(engine, storage, role.dbName, roleName)
  if (role.readBy !== driver.name) readStatements(driver, role)
  refuseUnknownOwned(driver, role)
  const guarantees = await guaranteesOf(engine, config, signal)
  refuseOpenSessions(guarantees, role)
  const passwordPolicy = passwordPolicyOf(config, role)
  await refuseMissingPolicy(engine.context, `password_policy of connection "${role.dbName}" or role "${roleName}"`, passwordPolicy)
  const name = nameFor(engine, driver, config, request, roleName)
  return {
    issue: {
      credential: 'user',
      target: config.target,
      role: roleName,
      roleVersion: version,
      recipe: recipeOf(role),
      handle: { v: 1, name } satisfies Handle,
      order: { passwordPolicy } satisfies Order,
      name,
      visible: { username: name },
      ttl: role.defaultTtl,
      maxTtl: role.maxTtl,
      renewable: true,
      outlivesToken: role.leaseOutlivesToken === true,
      guarantees
    }
  }
}

async function roleAskedFor(storage: MountReader, name: string) {
  const stored = await readRole(storage, name)
  if (!stored) throw new BrokerError('unknown_role', `unknown role: ${name}`)
  return stored
}

/** As the server was found when the connection was written, else as it is found now. */
async function guaranteesOf(engine: Engine, config: ConnectionConfig, signal: AbortSignal): Promise<Guarantees> {
  if (config.check) return config.check.guarantees
  using held = await engine.databases.hold(config.target)
  const check = await held.check(signal)
  return check.guarantees
}

/** Revoked means out: a user whose sessions nobody could end is made only where the role says that this is known. */
function refuseOpenSessions(guarantees: Guarantees, role: Role): void {
  if (guarantees.endsSessions || role.acceptOpenSessions === true) return
  throw new BrokerError(
    'invalid_request',
    `connection "${role.dbName}" cannot end sessions, see its check: give its account the right and write it again, or set accept_open_sessions on the role`
  )
}

function nameFor(
  { context }: Engine,
  driver: DatabaseDriver,
  { usernameTemplate }: ConnectionConfig,
  request: PathRequest<unknown>,
  roleName: string
): string {
  const { displayName } = request.caller
  const parts = { displayName, roleName, now: context.clock.now(), random: context.random, bytesMax: driver.usernameBytesMax }
  return usernameTemplate === '' ? newUserName({ ...parts, partBytes: driver.usernamePartBytes }) : nameByTemplate(usernameTemplate, parts)
}

function recipeOf(role: Role): Recipe {
  const owned = ownedObjectsOf(role)
  return {
    creation: role.creation,
    renew: role.renew,
    revocation: role.revocation,
    memberOf: role.memberOf ?? [],
    ...(role.connectionLimit !== null && { connectionLimit: role.connectionLimit }),
    ...(owned.policy !== 'keep' && { owned })
  }
}

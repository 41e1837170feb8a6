import { BrokerError, path } from 'mayfly/plugin'
import type { Answer, MountReader, Path, PathRequest } from 'mayfly/plugin'
import type { Handle, Order } from './credential.ts'
import type { Engine } from '../engine.ts'
import { checkOf, refuseOpenSessions } from './guarantees.ts'
import { nameFor } from '../name/name-for.ts'
import { refuseHost } from './host.ts'
import { refuseUnknownOwned } from '../role/owned-objects.ts'
import { passwordPolicyOf, refuseMissingPolicy } from './password.ts'
import { recipeOf } from '../role/recipe.ts'
import { readRole } from '../role/role.ts'
import { readStatements } from '../role/roles.ts'
import { usableConnection } from '../connection/usable-connection.ts'

/** `creds/:name`: a read, because the wire says so, which makes something each time. */
export function credsPath(engine: Engine): Path {
  return path({
    pattern: 'creds/:name',
    summary: 'a new user with the rights of the role, and its password',
    read: (request, storage) => planUser(engine, request, storage)
  })
}

async function planUser(engine: Engine, request: PathRequest<unknown>, storage: MountReader): Promise<Answer> {
  const roleName = request.params['name'] ?? ''
  const { role, version } = await roleAskedFor(storage, roleName)
  const { config, driver } = await usableConnection(engine, storage, role.dbName, roleName)
  if (role.readBy !== driver.name) readStatements(driver, role)
  refuseUnknownOwned(driver, role)
  refuseHost(driver, role)
  const { guarantees } = await checkOf(engine, config)
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

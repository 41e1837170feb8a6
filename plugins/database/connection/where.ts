import { BrokerError, path } from 'mayfly/plugin'
import type { Answer, MountReader, Path } from 'mayfly/plugin'
import { readConfig } from './connection-config.ts'
import { driverNamed } from '../engine.ts'
import type { Engine } from '../engine.ts'
import { matchesGlob } from './glob.ts'
import { readRole } from '../role/role.ts'

/** `where/:name`: what `creds` does not say, since clients of the wire take every key there for a part of the credential. A path of its own, so that a policy says who may
 *  know it; `config` shows more than those who log in need. */
export function wherePath(engine: Engine): Path {
  return path({
    pattern: 'where/:name',
    summary: 'where a user of this role logs in: no secret',
    read: ({ params }, storage) => readWhere(engine, params['name'] ?? '', storage)
  })
}

async function readWhere(engine: Engine, roleName: string, storage: MountReader): Promise<Answer> {
  const stored = await readRole(storage, roleName)
  if (!stored) throw new BrokerError('unknown_role', `unknown role: ${roleName}`)
  const config = (await readConfig(storage, stored.role.dbName))?.config
  if (!config) throw new BrokerError('invalid_request', `failed to find entry for connection with name: "${stored.role.dbName}"`)
  if (!config.allowedRoles.some(pattern => matchesGlob(pattern, roleName)))
    throw new BrokerError('permission_denied', `"${roleName}" is not an allowed role`)
  const { place } = driverNamed(engine.context, config.driver).connection(config.fields, { tls: 'any' })
  return place && { data: place }
}

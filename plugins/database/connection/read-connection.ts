import { healthFields } from 'mayfly/plugin'
import type { Answer, DatabaseCheck, JsonObject, MountReader } from 'mayfly/plugin'
import { readConfig } from './connection-config.ts'
import type { ConnectionConfig } from './connection-config.ts'
import type { Engine } from '../engine.ts'
import { readPendingRoot } from '../root/pending-root.ts'

/** The fields of the wire, and beside them how the server does: what its account can do, and whether it answers. Asks no server. */
export async function readConnection(engine: Engine, name: string, storage: MountReader): Promise<Answer> {
  const stored = await readConfig(storage, name)
  if (!stored) return undefined
  const { config } = stored
  return {
    data: {
      plugin_name: config.pluginName,
      plugin_version: '',
      connection_details: detailsOf(config),
      allowed_roles: config.allowedRoles,
      root_credentials_rotate_statements: config.rootRotationStatements,
      password_policy: config.passwordPolicy,
      ...((await readPendingRoot(storage, name)) && { rotation: 'under way' }),
      ...shownCheck(engine, config),
      health: healthFields(await engine.context.health(config.target))
    }
  }
}

function detailsOf({ details, usernameTemplate, disableEscaping }: ConnectionConfig): JsonObject {
  return {
    ...details,
    ...(usernameTemplate !== '' && { username_template: usernameTemplate }),
    ...(disableEscaping !== null && { disable_escaping: disableEscaping })
  }
}

/** As this node has found the server since, else as it was found when the connection was written. */
function shownCheck({ databases }: Engine, { target, check: written }: ConnectionConfig): JsonObject {
  const seen = databases.lastCheck(target)
  if (seen) return { check: { ...checkFields(seen.check), looked_at: seen.at.toString({ smallestUnit: 'second' }) } }
  return written ? { check: checkFields(written) } : {}
}

function checkFields({ version, missing, guarantees }: DatabaseCheck): JsonObject {
  return { version, missing, guarantees: guarantees as unknown as JsonObject }
}

import { path } from 'mayfly/plugin'
import type { Answer, JsonObject, MountStorage, Path, PathRequest } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { listKeys, pageFields } from '../key-list.ts'
import { roleName } from '../name/names.ts'
import { rotateRole } from './rotation-wait.ts'
import { readStaticCredential, readStaticRole, shownClock, staticCredentialKey, staticRoleFields, staticRoleKey } from './static-role.ts'
import type { StaticCredential, StaticRole, StaticRoleFields } from './static-role.ts'
import { makeStaticRole, updateStaticRole } from './write-static-role.ts'

/** `static-roles` and `static-roles/:name`. */
export function staticRolePaths(engine: Engine): readonly Path[] {
  return [
    path({
      pattern: 'static-roles',
      summary: 'the static roles of this mount',
      fields: pageFields,
      list: ({ fields }, storage) => listKeys(storage, 'static-roles/', fields)
    }),
    path({
      pattern: 'static-roles/:name',
      summary: 'which existing account changes its password, at which connection, on what clock',
      fields: staticRoleFields,
      exists: async ({ params }, storage) => (await readStaticRole(storage, params['name'] ?? '')) !== undefined,
      read: ({ params }, storage) => readRole(params['name'] ?? '', storage),
      write: (request, storage, signal) => writeRole(engine, request, storage, signal),
      delete: ({ params }, storage) => deleteRole(params['name'] ?? '', storage)
    })
  ]
}

async function readRole(name: string, storage: MountStorage): Promise<Answer> {
  const [stored, kept] = [await readStaticRole(storage, name), await readStaticCredential(storage, name)]
  return stored && { data: shownRole(stored.role, kept?.credential) }
}

function shownRole(role: StaticRole, credential: StaticCredential | undefined): JsonObject {
  return {
    db_name: role.dbName,
    username: role.username,
    rotation_statements: role.statements,
    ...shownClock(role),
    credential_type: 'password',
    ...(credential?.rotatedAt && { last_vault_rotation: credential.rotatedAt }),
    ...(role.credentialConfig !== null && { credential_config: role.credentialConfig })
  }
}

async function writeRole(engine: Engine, request: PathRequest<StaticRoleFields>, storage: MountStorage, signal: AbortSignal) {
  const name = roleName(request.params['name'])
  const stored = await readStaticRole(storage, name)
  return stored
    ? await updateStaticRole(engine, name, stored, request.fields, storage)
    : await makeStaticRole(engine, name, request.fields, storage, signal)
}

/** The account is not ours: it was there before, and stays. */
async function deleteRole(name: string, storage: MountStorage): Promise<Answer> {
  const stored = await readStaticRole(storage, name)
  if (!stored) return undefined
  const { role, version } = stored
  storage.remove(staticRoleKey(name), version)
  storage.remove(staticCredentialKey(name))
  for (const claim of role.claims) storage.remove(claim)
  storage.unschedule(rotateRole, name)
  return {
    warnings: [
      `the user "${role.username}" stays at the server, with the last password that was set: change it there if nobody shall have it`
    ]
  }
}

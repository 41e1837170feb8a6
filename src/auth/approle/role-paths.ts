import { uuid } from '../../broker/uuid.ts'
import { authPath, BrokerError, field } from '../../contracts/index.ts'
import type { AuthAnswer, AuthContext, AuthPath, AuthRequest, LoginStorage } from '../../contracts/index.ts'
import { listPage, pageFields } from './list-page.ts'
import { changeRoleId, refuseTakenRoleId, roleIdKey, takeRoleId } from './role-id.ts'
import { changedSettings, plainSettings, readRole, roleAsked, roleFields, roleJson, roleKey, roleName } from './role.ts'
import type { Role, RoleFields } from './role.ts'
import { sweepRole } from './tidy.ts'

/** `role`, `role/:name` and the role id. */
export function rolePaths(context: AuthContext): readonly AuthPath[] {
  return [
    authPath({
      pattern: 'role',
      summary: 'the roles of this mount',
      fields: pageFields,
      list: ({ fields }, storage) => listPage(storage, 'role/', fields)
    }),
    authPath({
      pattern: 'role/:name',
      summary: 'who may log in, and what the token gets',
      fields: { ...roleFields, role_id: field.text() },
      exists: roleExists,
      read: async ({ params }, storage) => {
        const stored = await readRole(storage, roleName(params['name']))
        return stored && { data: { ...stored.role.settings, secret_id_bound_cidrs: orNull(stored.role.settings.secret_id_bound_cidrs) } }
      },
      write: (request, storage) => writeRole(context, request, storage),
      delete: ({ params }, storage) => deleteRole(context, roleName(params['name']), storage)
    }),
    authPath({
      pattern: 'role/:name/role-id',
      summary: 'the public half of the proof',
      fields: { role_id: field.text() },
      exists: roleExists,
      read: async ({ params }, storage) => {
        const stored = await readRole(storage, roleName(params['name']))
        return stored && { data: { role_id: stored.role.role_id } }
      },
      write: async ({ params, fields }, storage) => {
        const stored = await roleAsked(storage, params['name'])
        await refuseTakenRoleId(context, storage, stored.role.name, fields.role_id ?? '')
        changeRoleId(context, storage, stored, fields.role_id ?? '')
        return undefined
      }
    })
  ]
}

/** The wire's sign of networks that nobody has named. */
function orNull(list: readonly string[]): readonly string[] | null {
  return list.length === 0 ? null : list
}

export async function roleExists({ params }: Pick<AuthRequest, 'params'>, storage: Parameters<typeof readRole>[0]): Promise<boolean> {
  return (await readRole(storage, roleName(params['name']))) !== undefined
}

async function writeRole(
  context: AuthContext,
  { params, fields }: AuthRequest<RoleFields & { role_id?: string | undefined }>,
  storage: LoginStorage
): Promise<AuthAnswer> {
  const name = roleName(params['name'])
  const stored = await readRole(storage, name)
  if (fields.role_id !== undefined && fields.role_id !== '') await refuseTakenRoleId(context, storage, name, fields.role_id)
  if (!stored) return createRole(context, storage, name, fields)
  const { role, version } = stored
  if (fields.local_secret_ids !== undefined && fields.local_secret_ids !== role.settings.local_secret_ids)
    throw new BrokerError('invalid_request', 'local_secret_ids: can only be said when the role is made')
  const changed = { ...role, settings: changedSettings(role.settings, fields) }
  if (fields.role_id && fields.role_id !== role.role_id) changeRoleId(context, storage, { role: changed, version }, fields.role_id)
  else storage.put(roleKey(name), roleJson(changed), version)
  return undefined
}

function createRole(
  context: AuthContext,
  storage: LoginStorage,
  name: string,
  fields: RoleFields & { role_id?: string | undefined }
): AuthAnswer {
  const role: Role = {
    id: uuid(context.random),
    name,
    role_id: uuid(context.random),
    created: context.clock.now().epochMilliseconds,
    settings: changedSettings(plainSettings, fields)
  }
  if (fields.role_id) {
    changeRoleId(context, storage, { role, version: 0 }, fields.role_id)
  } else {
    takeRoleId(context, storage, role)
    storage.put(roleKey(name), roleJson(role), 0)
  }
  return undefined
}

/** With the role its secret ids mean nobody, in this commit; their rows go in batches. Its tokens live to their end, and renew no more. */
async function deleteRole(context: AuthContext, name: string, storage: LoginStorage): Promise<AuthAnswer> {
  const stored = await readRole(storage, name)
  if (!stored) return undefined
  storage.remove(roleKey(name), stored.version)
  storage.remove(roleIdKey(context, stored.role.role_id))
  sweepRole(context, storage, stored.role)
  return undefined
}

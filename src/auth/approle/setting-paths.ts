import { authPath, BrokerError } from '../../contracts/index.ts'
import type { AuthAnswer, AuthPath, AuthRequest, LoginStorage } from '../../contracts/index.ts'
import { changedSettings, plainSettings, readRole, roleAsked, roleFields, roleJson, roleKey, roleName } from './role.ts'
import type { RoleFields, RoleSettings } from './role.ts'
import { roleExists } from './role-paths.ts'

type Setting = keyof RoleSettings

/** Names of the wire that are not simply the field's, and the older name that a write there may use. */
const odd: readonly (readonly [path: string, setting: Setting, older: keyof RoleFields])[] = [
  ['policies', 'token_policies', 'policies'],
  ['period', 'token_period', 'period'],
  ['bound-cidr-list', 'secret_id_bound_cidrs', 'bound_cidr_list']
]

/** `role/:name/<setting>`: one setting of a role, for those whose right is no wider. */
export const settingPaths: readonly AuthPath[] = [
  ...(Object.keys(plainSettings) as Setting[]).map(setting => settingPath(setting.replaceAll('_', '-'), setting, setting)),
  ...odd.map(([path, setting, older]) => settingPath(path, setting, older))
]

function settingPath(path: string, setting: Setting, older: keyof RoleFields): AuthPath {
  const read = async ({ params }: Pick<AuthRequest, 'params'>, storage: LoginStorage): Promise<AuthAnswer> => {
    const stored = await readRole(storage, roleName(params['name']))
    return stored && { data: { [setting]: shown(stored.role.settings, setting) } }
  }
  const pattern = `role/:name/${path}`
  const summary = `${setting} of a role`
  if (setting === 'local_secret_ids') return authPath({ pattern, summary, read })
  return authPath({
    pattern,
    summary,
    fields: { [setting]: roleFields[setting], [older]: roleFields[older] },
    exists: roleExists,
    read,
    write: async ({ params, fields }, storage) => {
      const said = fields as RoleFields
      if (said[setting] === undefined && said[older] === undefined) throw new BrokerError('invalid_request', `missing ${setting}`)
      return change(storage, params['name'], said)
    },
    delete: async ({ params }, storage) => change(storage, params['name'], { [setting]: plainSettings[setting] })
  })
}

/** Networks that nobody has named are null here, on the wire. */
function shown(settings: RoleSettings, setting: Setting) {
  const value = settings[setting]
  return setting.endsWith('_cidrs') && Array.isArray(value) && value.length === 0 ? null : value
}

async function change(storage: LoginStorage, name: string | undefined, said: RoleFields): Promise<undefined> {
  const { role, version } = await roleAsked(storage, name)
  storage.put(roleKey(role.name), roleJson({ ...role, settings: changedSettings(role.settings, said) }), version)
}

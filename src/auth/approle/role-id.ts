import { BrokerError } from '../../contracts/index.ts'
import type { AuthContext, LoginStorage, MountReader } from '../../contracts/index.ts'
import { readRole, roleJson, roleKey } from './role.ts'
import type { Role, StoredRole } from './role.ts'

export const roleIdCharsMax = 256

/** A chosen role id may have any characters, so it is found by its hash. */
export function roleIdKey({ mac }: Pick<AuthContext, 'mac'>, roleId: string): string {
  return `role-id/${mac(`role-id\n${roleId}`)}`
}

/** The role behind a role id. */
export async function roleById(context: Pick<AuthContext, 'mac'>, storage: MountReader, roleId: string): Promise<StoredRole | undefined> {
  if (roleId.length > roleIdCharsMax) return undefined
  const index = await storage.get(roleIdKey(context, roleId))
  const stored = index && (await readRole(storage, index.value as string))
  return stored?.role.role_id === roleId ? stored : undefined
}

/** Gives a role another role id. The old one means nobody from this commit on. */
export function changeRoleId(context: AuthContext, storage: LoginStorage, { role, version }: StoredRole, roleId: string): void {
  if (roleId === '') throw new BrokerError('invalid_request', 'missing role_id')
  if (roleId.length > roleIdCharsMax) throw new BrokerError('invalid_request', `role_id: at most ${roleIdCharsMax} characters`)
  if (roleId === role.role_id) return
  const changed: Role = { ...role, role_id: roleId }
  storage.remove(roleIdKey(context, role.role_id))
  takeRoleId(context, storage, changed)
  storage.put(roleKey(role.name), roleJson(changed), version)
}

/** One role id is one role's: the commit fails when another has it. */
export function takeRoleId(context: AuthContext, storage: LoginStorage, role: Role): void {
  storage.put(roleIdKey(context, role.role_id), role.name, 0)
}

/** What a caller is told before the commit finds out. */
export async function refuseTakenRoleId(context: AuthContext, storage: LoginStorage, name: string, roleId: string): Promise<void> {
  const holder = await roleById(context, storage, roleId)
  if (holder && holder.role.name !== name) throw new BrokerError('invalid_request', 'role_id: is in use by another role')
}

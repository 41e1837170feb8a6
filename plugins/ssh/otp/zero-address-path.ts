import { BrokerError, field, path } from 'mayfly/plugin'
import type { MountReader, MountStorage, Path } from 'mayfly/plugin'
import { readRole } from '../roles/role.ts'

const key = 'config/zeroaddress'

/** Roles whose passwords are good at any address. */
export async function zeroAddressRoles(storage: MountReader): Promise<readonly string[]> {
  return ((await storage.get(key))?.value as readonly string[] | undefined) ?? []
}

/** With the role goes what it was allowed: another role of its name must not be for any address. */
export async function forgetZeroAddressRole(storage: MountStorage, name: string): Promise<void> {
  const stored = await storage.get(key)
  const roles = (stored?.value as readonly string[] | undefined) ?? []
  if (!stored || !roles.includes(name)) return
  storage.put(
    key,
    roles.filter(role => role !== name),
    stored.version
  )
}

/** `config/zeroaddress`. */
export const zeroAddressPath: Path = path({
  pattern: 'config/zeroaddress',
  summary: 'roles of one-time passwords for any address',
  fields: { roles: field.commaList() },
  read: async (_, storage) => {
    const stored = await storage.get(key)
    return stored && { data: { roles: stored.value } }
  },
  write: async ({ fields: { roles = [] } }, storage) => {
    if (roles.length === 0) throw new BrokerError('invalid_request', 'Missing roles')
    for (const role of roles)
      if (!(await readRole(storage, role))) throw new BrokerError('invalid_request', `Role "${role.slice(0, 64)}" does not exist`)
    const stored = await storage.get(key)
    storage.put(key, [...new Set(roles)], stored?.version ?? 0)
    return undefined
  },
  delete: async (_, storage) => {
    const stored = await storage.get(key)
    if (stored) storage.remove(key, stored.version)
    return undefined
  }
})

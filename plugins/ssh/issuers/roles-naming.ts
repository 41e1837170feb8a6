import type { MountReader } from 'mayfly/plugin'
import { readRole } from '../roles/role.ts'
import type { Issuer } from './issuer.ts'

// A count for a warning: nobody waits for more than this.
const rolesLookedAtMax = 1_000

/** How many roles name this issuer, by id or by name. */
export async function rolesNaming(storage: MountReader, { id, name }: Issuer): Promise<number> {
  const names = await storage.list('roles/', { limit: rolesLookedAtMax })
  const roles = await Promise.all(names.map(role => readRole(storage, role)))
  return roles.filter(found => found?.role.type === 'ca' && (found.role.issuerRef === id || (name !== '' && found.role.issuerRef === name)))
    .length
}

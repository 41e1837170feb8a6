import { BrokerError, field, path } from 'mayfly/plugin'
import type { Path } from 'mayfly/plugin'
import { readRole } from '../roles/role.ts'
import { isOfRole, requireAddress } from './creds-path.ts'
import { zeroAddressRoles } from './zero-address-path.ts'

const rolesMax = 1_000

/** `lookup`: which roles have one-time passwords for an address. */
export const otpLookupPath: Path = path({
  pattern: 'lookup',
  summary: 'roles of one-time passwords for an address',
  fields: { ip: field.text() },
  write: async ({ fields }, storage) => {
    if (!fields.ip) throw new BrokerError('invalid_request', 'Missing ip')
    const ip = requireAddress(fields.ip)
    const anywhere = await zeroAddressRoles(storage)
    const names = await storage.list('roles/', { limit: rolesMax })
    const found = await Promise.all(names.map(name => readRole(storage, name)))
    return { data: { roles: names.filter((name, i) => found[i]?.role.type === 'otp' && isOfRole(name, found[i].role, ip, anywhere)) } }
  }
})

import { field, path } from 'mayfly/plugin'
import type { Json, JsonObject, MountReader, Path, PathRequest } from 'mayfly/plugin'
import { hostNames, readHost } from '../hosts/host-rows.ts'
import { publishedIssuers, readIssuers } from '../issuers/issuer.ts'
import { readRole } from '../roles/role.ts'
import type { CaRole } from '../roles/role.ts'
import { userPrincipals } from '../sign/allowed-principals.ts'
import { takenAt } from '../use/principals-path.ts'

type Caller = PathRequest['caller']

// Each is a read of a row.
const rolesMax = 500
const hostsMax = 500

/** `access`: what an engineer's own command has to know before it asks for a certificate. Which principals each role signs this caller for, which of them an account of a host takes, and whose signature on a host
 *  key to trust. Whether the caller may use a role is the policies' to say (`sys/capabilities-self` on `sign/:role`), not ours. */
export const accessPath: Path = path({
  pattern: 'access',
  summary: 'as whom each role signs for the caller, and which hosts there are',
  fields: { host: field.text(), user: field.text() },
  read: async ({ fields: { host = '', user = '' }, caller }, storage) => {
    const known = await hostsOf(storage, host.toLowerCase())
    return {
      data: {
        roles: await rolesFor(storage, caller),
        host_keys: await hostKeys(storage),
        hosts: known,
        ...(user === '' ? {} : { principals: await takenAt(storage, known[0]?.host ?? '', user) })
      }
    }
  }
})

async function rolesFor(storage: MountReader, caller: Caller): Promise<Json> {
  const names = await storage.list('roles/', { limit: rolesMax })
  const found = await Promise.all(names.map(async name => ({ name, role: (await readRole(storage, name))?.role })))
  return found.flatMap(({ name, role }) => (role?.type === 'ca' && role.allowUserCertificates ? shownRole(name, role, caller) : []))
}

function shownRole(name: string, role: CaRole, caller: Caller): readonly JsonObject[] {
  const { allowed, usual } = userPrincipals(role, caller)
  return allowed.length > 0 ? [{ role: name, principals: allowed, default: usual, ttl: role.ttl, max_ttl: role.maxTtl }] : []
}

async function hostKeys(storage: MountReader): Promise<readonly string[]> {
  const { all } = await readIssuers(storage)
  return publishedIssuers(all)
    .filter(({ signs }) => signs !== 'user')
    .map(({ publicKey }) => publicKey)
}

/** The one that is known by this name, which may be the broker's own for it, or any that its certificate is for; without a name all. */
async function hostsOf(storage: MountReader, name: string) {
  if (name === '') return trusting(storage, await hostNames(storage, { limit: hostsMax }))
  const likely = await trusting(storage, [...new Set([name, name.split('.')[0]!])].filter(isHostName))
  const all = likely.length > 0 ? likely : await trusting(storage, await hostNames(storage, { limit: hostsMax }))
  return all.filter(({ host, names }) => host === name || names.includes(name)).slice(0, 1)
}

/** `certified`: it shows a certificate of ours; else it only trusts ours. */
async function trusting(storage: MountReader, hosts: readonly string[]) {
  const rows = await Promise.all(hosts.map(async host => ({ host, row: await readHost(storage, host) })))
  return rows.flatMap(({ host, row }) =>
    row?.host.enrolled || row?.host.reached ? [{ host, names: row.host.names, certified: row.host.enrolled !== null }] : []
  )
}

const isHostName = (name: string): boolean => /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(name) && !name.includes('..')

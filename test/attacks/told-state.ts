import type { Api } from '../crash/api.ts'

// What `sys` and the mounts tell of everything that a request could change.
const paths = [
  'auth/token/accessors?list=true',
  'sys/mounts',
  'sys/auth',
  'sys/policies/acl?list=true',
  'sys/audit',
  'auth/approle/role?list=true',
  'auth/approle/role/there/secret-id?list=true',
  'users/roles?list=true',
  'users/config',
  'database/roles?list=true',
  'database/config?list=true'
]

/** Tokens, leases with their states and ends, mounts, policies, roles, secret ids: as a broker with `users/`, `database/` and `approle/` tells them to root. */
export async function toldState(root: Api): Promise<unknown> {
  const data = async (path: string) => (await root.ask('GET', path)).body?.data ?? null
  const [held, ...rest] = await Promise.all([data('sys/holdings'), ...paths.map(data)])
  const leases = held.holdings.map(({ id, state, expire_time }: Record<string, string>) => `${id} ${state} ${expire_time}`)
  return { leases, ...Object.fromEntries(paths.map((path, i) => [path, rest[i]])) }
}

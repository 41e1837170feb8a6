import type { Attack } from './attack.ts'

const denied = { status: 403, says: 'permission denied' } as const
const refusedCreate = { method: 'POST', path: '/v1/auth/token/create', status: 400 } as const

const ofLease = (verb: string): readonly Attack[] => [
  {
    row: 30,
    what: `${verb} by the body`,
    by: 'stranger',
    method: 'PUT',
    path: `/v1/sys/leases/${verb}`,
    body: { lease_id: '{lease}' },
    ...denied
  },
  { row: 30, what: `${verb} by the path`, by: 'stranger', method: 'PUT', path: `/v1/sys/leases/${verb}/{lease}`, body: {}, ...denied },
  {
    row: 30,
    what: `${verb} of one's own by the path, a stranger's in the body`,
    by: 'stranger',
    method: 'PUT',
    path: `/v1/sys/leases/${verb}/users/creds/app/none`,
    body: { lease_id: '{lease}' },
    status: [400, 403]
  }
]

/** Rows 30 to 50: knowing a name gives no right, and no right makes a larger one. */
export const rightAttacks: readonly Attack[] = [
  ...['lookup', 'renew', 'revoke'].flatMap(ofLease),
  ...[
    'sys/leases/revoke-prefix/users',
    'sys/leases/revoke-force/users',
    'sys/leases/lookup/users?list=true',
    'sys/holdings',
    'sys/leases'
  ].map((path): Attack => ({
    row: 30,
    what: path,
    by: 'stranger',
    method: path.includes('revoke') ? 'PUT' : 'GET',
    path: `/v1/${path}`,
    ...denied
  })),
  ...['lookup', 'renew', 'revoke'].flatMap((verb): Attack[] => [
    {
      row: 31,
      what: `${verb} by accessor`,
      by: 'stranger',
      method: 'POST',
      path: `/v1/auth/token/${verb}-accessor`,
      body: { accessor: '{accessor}' },
      ...denied
    },
    {
      row: 31,
      what: `${verb} by token`,
      by: 'stranger',
      method: 'POST',
      path: `/v1/auth/token/${verb}`,
      body: { token: '{owner}' },
      ...denied
    }
  ]),
  {
    row: 31,
    what: 'what an accessor may do',
    by: 'stranger',
    method: 'POST',
    path: '/v1/sys/capabilities-accessor',
    body: { accessor: '{accessor}', paths: 'a' },
    ...denied
  },
  {
    row: 31,
    what: 'ending by orphaning',
    by: 'stranger',
    method: 'POST',
    path: '/v1/auth/token/revoke-orphan',
    body: { token: '{owner}' },
    ...denied
  },
  ...[
    { policies: ['app', 'admin'] },
    { no_parent: true },
    { id: 'chosen-by-me' },
    { period: '1h' },
    { entity_alias: 'somebody' },
    { type: 'batch' },
    { token_bound_cidrs: '0.0.0.0/99' },
    { num_uses: -1 }
  ].map((fields): Attack => ({ row: 33, what: JSON.stringify(fields), by: 'maker', body: fields, ...refusedCreate })),
  { row: 33, what: 'an orphan by its path', by: 'maker', method: 'POST', path: '/v1/auth/token/create-orphan', body: {}, ...denied },
  ...['passthrough_request_headers', 'allowed_response_headers'].flatMap((name): Attack[] =>
    ['Authorization', 'X-Vault-Token', 'X-Harmless'].flatMap(header => [
      {
        row: 44,
        what: `${name} ${header}, tuned`,
        by: 'root',
        method: 'POST',
        path: '/v1/sys/mounts/users/tune',
        body: { [name]: [header] },
        status: 400,
        says: name
      },
      {
        row: 44,
        what: `${name} ${header}, mounted`,
        by: 'root',
        method: 'POST',
        path: '/v1/sys/mounts/more',
        body: { type: 'memory', config: { [name]: header } },
        status: 400,
        says: name
      }
    ])
  ),
  ...['root', 'Root', 'ROOT', ' root', 'root\u00a0', 'ｒｏｏｔ', 'response-wrapping'].flatMap((name): Attack[] => [
    { row: 46, what: `${JSON.stringify(name)} by a maker`, by: 'maker', body: { policies: [name] }, ...refusedCreate },
    { row: 46, what: `${JSON.stringify(name)} by sudo`, by: 'sudoer', body: { policies: ['app', name] }, ...refusedCreate }
  ]),
  ...['Root', 'ROOT', ' root', 'root\u00a0'].map((name): Attack => ({
    row: 46,
    what: `${JSON.stringify(name)} by root`,
    by: 'root',
    body: { policies: [name] },
    ...refusedCreate
  })),
  ...['root', 'response-wrapping', 'Root'].map((name): Attack => ({
    row: 46,
    what: `a policy called ${name}`,
    by: 'root',
    method: 'PUT',
    path: `/v1/sys/policies/acl/${name}`,
    body: { policy: 'path "*" { capabilities = ["read"] }' },
    status: 400
  })),
  { row: 47, what: 'a read', by: 'narrow', path: '/v1/users/roles/app', ...denied },
  { row: 47, what: 'LIST', by: 'narrow', method: 'LIST', path: '/v1/users/roles', ...denied },
  { row: 47, what: 'a list by query', by: 'narrow', path: '/v1/users/roles?list=true', ...denied },
  { row: 47, what: 'a write', by: 'narrow', method: 'POST', path: '/v1/users/roles/app', body: { max_ttl: 1 }, ...denied },
  { row: 47, what: 'a deletion', by: 'narrow', method: 'DELETE', path: '/v1/users/roles/app', ...denied },
  {
    row: 47,
    what: 'PATCH',
    by: 'narrow',
    method: 'PATCH',
    path: '/v1/users/roles/app',
    headers: { 'Content-Type': 'application/merge-patch+json' },
    body: {},
    status: [403, 405]
  },
  ...['users', 'database'].flatMap((mount): Attack[] => [
    {
      row: 48,
      what: `creating what is there, at ${mount}`,
      by: 'creator',
      method: 'POST',
      path: `/v1/${mount}/roles/${mount === 'users' ? 'app' : '{role}'}`,
      body: { max_ttl: 1 },
      ...denied
    },
    // Whether it is there is asked before the right is decided, and this name cannot be asked for.
    {
      row: 48,
      what: `creating an odd name, at ${mount}`,
      by: 'creator',
      method: 'POST',
      path: `/v1/${mount}/roles/a%20b`,
      body: {},
      status: 400
    }
  ]),
  ...['users/creds/app', 'database/creds/{role}'].map((path): Attack => ({
    row: 48,
    what: path,
    by: 'reader',
    path: `/v1/${path}`,
    ...denied
  })),
  ...['users/config', 'database/config/app', 'users/faults'].map((path): Attack => ({
    row: 48,
    what: `a write to ${path}`,
    by: 'reader',
    method: 'POST',
    path: `/v1/${path}`,
    body: { password: '{canary}' },
    ...denied
  })),
  ...['users/roles/app', 'database/roles/{role}', 'database/config/app', 'users/config'].map((path): Attack => ({
    row: 48,
    what: `${path} by who may issue`,
    path: `/v1/${path}`,
    ...denied
  }))
]

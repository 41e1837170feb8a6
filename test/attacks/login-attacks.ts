import type { Attack } from './attack.ts'

const login = { by: 'nobody', method: 'POST', path: '/v1/auth/approle/login' } as const
const refused = { ...login, status: 400, says: 'invalid role or secret ID' } as const
const role = { by: 'root', method: 'POST', path: '/v1/auth/approle/role/there', status: 400 } as const
const other = '/v1/auth/approle/role/other'

/** Logins by AppRole, and what somebody with rights at one role does to another. */
export const loginAttacks: readonly Attack[] = [
  { row: 42, what: 'a login with names that nobody has', ...refused, body: { role_id: '{canary}', secret_id: '{canary}' } },
  { row: 42, what: 'a login with a role that is there', ...refused, body: { role_id: '{roleId}', secret_id: '{canary}' } },
  { row: 42, what: 'the halves changed over', ...refused, body: { role_id: '{secretId}', secret_id: '{roleId}' } },
  { row: 42, what: 'the secret id of another role', ...refused, body: { role_id: '{otherRoleId}', secret_id: '{secretId}' } },
  { row: 42, what: 'an accessor as the secret id', ...refused, body: { role_id: '{roleId}', secret_id: '{secretAccessor}' } },
  { row: 42, what: 'a secret id of a megabyte', ...refused, body: { role_id: '{otherRoleId}', secret_id: 'x'.repeat(1_000_000) } },
  { row: 42, what: 'a login without a proof', ...login, body: {}, status: 400, says: 'missing role_id' },
  {
    row: 42,
    what: 'halves that are no text',
    ...login,
    body: { role_id: ['{roleId}'], secret_id: { $ne: '' } },
    status: 400,
    says: 'Field validation failed'
  },
  {
    row: 42,
    what: 'the address and the policies as fields of the login',
    ...refused,
    body: { role_id: '{farRoleId}', secret_id: '{farSecretId}', remote_addr: '10.0.0.1', policies: ['root'] }
  },
  {
    row: 23,
    what: 'the address in a header of a proxy that nobody has named',
    ...refused,
    headers: { 'X-Forwarded-For': '10.0.0.1', Forwarded: 'for=10.0.0.1', 'X-Real-Ip': '10.0.0.1' },
    body: { role_id: '{farRoleId}', secret_id: '{farSecretId}' }
  },
  { row: 42, what: 'a login by a read', by: 'nobody', path: '/v1/auth/approle/login?role_id={roleId}&secret_id={secretId}', status: 405 },
  {
    row: 42,
    what: 'the halves in the query of a write',
    ...login,
    path: `${login.path}?role_id={roleId}&secret_id={secretId}`,
    body: {},
    status: 400
  },
  {
    row: 43,
    what: 'destroying an accessor through another role',
    by: 'root',
    method: 'POST',
    path: `${other}/secret-id-accessor/destroy`,
    body: { secret_id_accessor: '{secretAccessor}' },
    status: 404
  },
  {
    row: 43,
    what: 'looking an accessor up through another role',
    by: 'root',
    method: 'POST',
    path: `${other}/secret-id-accessor/lookup`,
    body: { secret_id_accessor: '{secretAccessor}' },
    status: 404
  },
  ...['../there/x', '%2e%2e', '{secretAccessor}/', '__proto__', ''].map((secret_id_accessor): Attack => ({
    row: 43,
    what: `an accessor ${JSON.stringify(secret_id_accessor)}`,
    by: 'root',
    method: 'POST',
    path: `${other}/secret-id-accessor/destroy`,
    body: { secret_id_accessor },
    status: [400, 404]
  })),
  ...['root', 'Root', 'ROOT', ' root', 'root\u00a0', 'ｒｏｏｔ', 'response-wrapping'].map((name): Attack => ({
    row: 46,
    what: `${JSON.stringify(name)} as a policy of an AppRole`,
    ...role,
    body: { token_policies: [name] },
    says: 'token_policies'
  })),
  ...['-1', '-5m', 'Infinity', '1.5.h', [], {}].map((token_ttl): Attack => ({
    row: 13,
    what: `${JSON.stringify(token_ttl)} as the TTL of an AppRole's tokens`,
    ...role,
    body: { token_ttl },
    says: 'token_ttl'
  })),
  { row: 46, what: 'another role’s role id', ...role, body: { role_id: '{otherRoleId}' }, says: 'role_id' },
  {
    row: 48,
    what: 'reading roles makes no secret id',
    by: 'approleReader',
    method: 'POST',
    path: '/v1/auth/approle/role/there/secret-id',
    body: {},
    status: 403
  },
  {
    row: 48,
    what: 'making secret ids of one role reads no other',
    by: 'approleReader',
    method: 'POST',
    path: `${other}/secret-id/lookup`,
    body: { secret_id: '{secretId}' },
    status: 403
  }
]

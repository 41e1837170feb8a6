import type { Attack } from './attack.ts'

const parser = { by: 'root', method: 'POST', path: '/v1/auth/token/create', status: 400, heardBy: 'the parser' } as const
const create = { by: 'root', method: 'POST', path: '/v1/auth/token/create', status: 400 } as const
const secret = '"password":"{canary}"'

/** Each is refused with its field's name and without its value. */
const noDurations = [
  -1,
  '-5m',
  'Infinity',
  'NaN',
  '1.5.h',
  '1e3',
  '0x10',
  '10x',
  ' 10',
  '9223372036854775808',
  1.5,
  [],
  {},
  true,
  '99999999h'
]

const durationFields = [
  ['auth/token/create', 'ttl'],
  ['auth/token/create', 'explicit_max_ttl'],
  ['auth/token/create', 'period'],
  ['auth/token/renew-self', 'increment'],
  ['sys/leases/renew', 'increment'],
  ['users/roles/app', 'default_ttl'],
  ['users/roles/app', 'max_ttl'],
  ['sys/mounts/users/tune', 'default_lease_ttl'],
  ['database/roles/{role}', 'max_ttl']
] as const

/** Rows 9 to 17: what is no body, and values that are none. */
export const bodyAttacks: readonly Attack[] = [
  { row: 9, what: '__proto__ at the top', body: `{"__proto__":{"policies":["root"]},${secret}}`, ...parser },
  { row: 9, what: '__proto__ below', body: '{"meta":{"__proto__":{"admin":"true"}}}', ...parser },
  { row: 9, what: '__proto__ in an array', body: '{"policies":[{"__proto__":1}]}', ...parser },
  { row: 9, what: '__proto__ in the query', by: 'root', path: '/v1/sys/holdings?__proto__=1', status: 400, heardBy: 'the parser' },
  { row: 10, what: 'a key twice', body: `{"ttl":"1h",${secret},"ttl":"9999h"}`, ...parser },
  { row: 10, what: 'a key twice by escapes', body: '{"ttl":"1h","\\u0074tl":"9999h"}', ...parser },
  { row: 11, what: '5,000,000 nested arrays', body: `{"a":${'['.repeat(5_000_000)}`, ...parser },
  { row: 11, what: '5,000,000 nested arrays, without a token', body: `{"a":${'['.repeat(5_000_000)}`, ...parser, by: 'nobody' },
  { row: 11, what: 'a text of 31 MiB', body: `{"a":"${'x'.repeat(31 * 1_048_576)}"}`, ...parser },
  { row: 11, what: 'a body of 33 MiB', body: 'x'.repeat(33 * 1_048_576), ...parser, status: 413 },
  { row: 11, what: '10,001 elements', body: `{"policies":[${'1,'.repeat(10_001)}1]}`, ...parser },
  ...['[]', '"{canary}"', '1', 'true', '{} {canary}', '{', '{"a":{canary}}', '\ufeff{}'].map((body): Attack => ({
    row: 12,
    what: `the body ${body}`,
    body,
    ...parser
  })),
  ...durationFields.flatMap(([path, name]) =>
    noDurations.map((value): Attack => ({
      row: 13,
      what: `${path} ${name} = ${JSON.stringify(value)}`,
      by: 'root',
      method: 'POST',
      path: `/v1/${path}`,
      body: { [name]: value, lease_id: '{lease}', db_name: 'app', member_of: 'app_ro' },
      status: 400,
      says: name
    }))
  ),
  { row: 13, what: '1e309', body: '{"ttl":1e309}', ...parser, says: 'ttl' },
  { row: 13, what: '2^63', body: '{"ttl":9223372036854775808}', ...parser, says: 'ttl' },
  ...['multipart/form-data; boundary=x', 'application/json; charset=utf-7'].map((type): Attack => ({
    row: 16,
    what: type,
    headers: { 'Content-Type': type },
    body: '{}',
    ...parser,
    status: 415
  })),
  {
    row: 16,
    what: 'PATCH of another type',
    by: 'root',
    method: 'PATCH',
    path: '/v1/users/roles/app',
    body: {},
    status: 415,
    heardBy: 'the parser'
  },
  { row: 16, what: 'a packed body', headers: { 'Content-Encoding': 'gzip' }, body: '{}', ...parser, status: 415 },
  { row: 17, what: 'a misspelled filter of our own path', by: 'root', path: '/v1/sys/holdings?acessor=x', status: 400, says: 'acessor' },
  ...['policies', 'meta', 'num_uses', 'renewable', 'token_bound_cidrs'].map((name): Attack => ({
    row: 13,
    what: `${name} of a wrong kind`,
    body: { [name]: { a: { b: ['{canary}'] } } },
    ...create,
    says: name
  }))
]

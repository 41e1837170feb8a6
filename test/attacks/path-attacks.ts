import type { Attack } from './attack.ts'

const parser = { by: 'root', status: 400, heardBy: 'the parser' } as const

/** Rows 1 to 8: one reading of a path, and what could be read in two ways is no path. */
export const pathAttacks: readonly Attack[] = [
  { row: 1, what: 'dots sent raw', path: '/v1/users/creds/../../sys/mounts', ...parser },
  { row: 1, what: 'dots sent encoded', path: '/v1/users/creds/%2e%2e/%2E%2E/sys/mounts', ...parser },
  { row: 1, what: 'a dot', path: '/v1/users/./creds/app', ...parser },
  { row: 2, what: 'a host in front', path: '//v1/sys/seal', method: 'PUT', by: 'root', status: 404, heardBy: 'the parser' },
  { row: 2, what: 'an absolute target', path: 'http://evil.example/v1/users/creds/app', ...parser },
  { row: 3, what: 'an encoded slash', path: '/v1/users/roles/role%2fadmin', method: 'POST', body: {}, ...parser },
  { row: 3, what: 'an encoded backslash', path: '/v1/users/roles/role%5cadmin', method: 'POST', body: {}, ...parser },
  ...['%00', '%0a', '%7f', '%c2%85', '%e2%80%ae', '%e2%80%8b', '%ef%bb%bf', '%cd%8f'].map((bytes): Attack => ({
    row: 4,
    what: bytes,
    path: `/v1/users/roles/a${bytes}b`,
    method: 'POST',
    body: {},
    ...parser
  })),
  ...['%ef%bd%81%ef%bd%84%ef%bd%8d%ef%bd%89%ef%bd%8e', '%ef%ac%81', '%e2%84%aa', 'e%cc%81'].map((bytes): Attack => ({
    row: 5,
    what: bytes,
    path: `/v1/users/roles/${bytes}`,
    method: 'POST',
    body: {},
    ...parser
  })),
  ...['app%20', '%20app', '%09app', 'app.', 'app%c2%a0'].map((name): Attack => ({
    row: 6,
    what: name,
    path: `/v1/users/roles/${name}`,
    method: 'POST',
    body: { max_ttl: 1 },
    ...parser
  })),
  ...[
    'users/roles/a%20b',
    'users/roles/%c3%a9',
    'database/roles/-a',
    'database/roles/.a',
    'database/roles/a%27b',
    'database/config/a%3bb'
  ].map((path): Attack => ({
    row: 6,
    what: path,
    by: 'root',
    path: `/v1/${path}`,
    method: 'POST',
    body: { db_name: 'app', member_of: 'app_ro', plugin_name: 'postgresql' },
    status: 400
  })),
  ...['sys/policies/acl/a%20b', 'sys/policies/acl/%c3%a9', 'sys/mounts/a%20b', 'sys/audit/a%20b'].map((path): Attack => ({
    row: 6,
    what: path,
    by: 'root',
    path: `/v1/${path}`,
    method: 'PUT',
    body: { policy: 'path "a" { capabilities = [] }', type: 'memory', options: { file_path: 'x' } },
    status: 400
  })),
  ...[
    ['LIST', 'users/roles'],
    ['LIST', 'users/roles/'],
    ['GET', 'users/roles?list=true'],
    ['GET', 'users/roles/?list=1']
  ].map(([method, path]): Attack => ({ row: 7, what: `${method} ${path}`, method: method!, path: `/v1/${path}`, status: 403 })),
  { row: 7, what: 'neither true nor false', path: '/v1/users/roles?list=yes', ...parser },
  { row: 8, what: 'a name of 4 KiB', path: `/v1/users/roles/${'n'.repeat(4_096)}`, method: 'POST', body: {}, ...parser },
  { row: 8, what: 'a name of 300', path: `/v1/users/roles/${'n'.repeat(300)}`, method: 'POST', body: {}, by: 'root', status: 400 },
  { row: 8, what: '5,000 segments', path: `/v1/${'a/'.repeat(5_000)}b`, ...parser },
  { row: 8, what: '15 KiB of escapes', path: `/v1/${'%41'.repeat(4_900)}`, ...parser }
]

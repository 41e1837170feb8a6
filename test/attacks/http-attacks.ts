import type { Attack } from './attack.ts'

const parser = { path: '/v1/users/creds/app', status: 400, heardBy: 'the parser' } as const
const counted = { path: '/v1/users/creds/app', status: 403, heardBy: 'the counter' } as const

/** Rows 18 to 28 and 99 to 101: what is around a request. */
export const httpAttacks: readonly Attack[] = [
  { row: 18, what: 'two lengths', headers: { 'Content-Length': '2\r\nContent-Length: 3' }, method: 'POST', ...parser },
  { row: 18, what: 'a length and chunks', headers: { 'Content-Length': '5', 'Transfer-Encoding': 'chunked' }, method: 'POST', ...parser },
  { row: 18, what: 'a signed length', headers: { 'Content-Length': '+5' }, method: 'POST', ...parser },
  { row: 18, what: 'a folded header', headers: { 'X-A': 'b\r\n c' }, ...parser },
  { row: 18, what: 'a space before the colon', headers: { 'X-A ': 'b' }, ...parser },
  { row: 19, what: 'the token in the query', by: 'nobody', ...counted, path: '/v1/users/creds/app?token={owner}&X-Vault-Token={owner}' },
  {
    row: 19,
    what: 'the token in the body',
    by: 'nobody',
    method: 'POST',
    body: { token: '{owner}' },
    ...counted,
    path: '/v1/sys/leases/tidy'
  },
  { row: 19, what: 'the token in a cookie', by: 'nobody', headers: { Cookie: 'token={owner}; X-Vault-Token={owner}' }, ...counted },
  { row: 20, what: 'a header of 17 KB', headers: { 'X-A': 'a'.repeat(17_000) }, ...parser, status: 431 },
  {
    row: 20,
    what: '2,000 headers',
    headers: Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`a${i}`, ''])),
    ...parser,
    status: 431
  },
  { row: 27, what: 'a token of one character', headers: { 'X-Vault-Token': 'x' }, ...counted },
  { row: 27, what: 'a token of 10 KB', headers: { 'X-Vault-Token': 'x'.repeat(10_000) }, ...counted },
  { row: 27, what: 'a token with another prefix', headers: { 'X-Vault-Token': 'hvs.{owner}' }, ...counted },
  { row: 27, what: 'a token with one letter more', headers: { 'X-Vault-Token': '{owner}x' }, ...counted },
  { row: 27, what: 'the accessor in the place of the token', headers: { 'X-Vault-Token': '{accessor}' }, ...counted },
  { row: 27, what: 'a token of another instance', headers: { 'X-Vault-Token': 's.AAAAAAAAAAAAAAAAAAAAAAAAAA' }, ...counted },
  { row: 27, what: 'two tokens', headers: { Authorization: 'Bearer a\r\nAuthorization: Bearer {owner}' }, by: 'nobody', ...parser },
  ...['\u0000', '\u0001', '\u001b[31m', '\u007f'].map((character): Attack => ({
    row: 28,
    what: JSON.stringify(character),
    headers: { 'X-Vault-Token': `{owner}${character}` },
    ...parser,
    says: 'invalid header value'
  })),
  { row: 29, what: 'a reply that wants wrapping for no time', headers: { 'X-Vault-Wrap-TTL': 'x' }, ...parser },
  { row: 29, what: 'unwrapping with a token that wraps nothing', method: 'PUT', path: '/v1/sys/wrapping/unwrap', by: 'root', status: 400 },
  { row: 35, what: 'another namespace', headers: { 'X-Vault-Namespace': 'other/' }, ...parser, status: 404 },
  ...['REVOKE', 'RENEW', 'ROLLBACK', 'HELP'].map((method): Attack => ({ row: 35, what: method, method, ...parser })),
  ...['LINK', 'UNLINK', 'SEARCH', 'MOVE', 'COPY'].map((method): Attack => ({ row: 35, what: method, method, ...parser, status: 405 })),
  { row: 35, what: 'SCAN', method: 'SCAN', ...parser, status: 405 },
  { row: 35, what: 'TRACE', method: 'TRACE', ...parser, status: 405 },
  { row: 35, what: 'a write on what is read', method: 'POST', body: {}, by: 'root', path: '/v1/users/creds/app', status: 405 },
  {
    row: 35,
    what: 'a verb for the inside in a header',
    headers: { 'X-HTTP-Method-Override': 'DELETE' },
    path: '/v1/users/roles/app',
    status: 403
  },
  ...[
    'users/revoke',
    'users/renew',
    'users/rollback',
    'database/revoke',
    'sys/rollback',
    'sys/alias-lookahead',
    'sys/revoke',
    'sys/renew'
  ].map((path): Attack => ({
    row: 35,
    what: path,
    method: 'PUT',
    by: 'root',
    path: `/v1/${path}`,
    body: { lease_id: '{lease}' },
    status: 404
  })),
  ...['sys/rekey/init', 'sys/rekey/update', 'sys/generate-root/attempt', 'sys/generate-root/update', 'sys/rotate/root/init'].flatMap(
    (path): Attack[] =>
      ['GET', 'PUT', 'DELETE'].map(method => ({
        row: 36,
        what: `${method} ${path}`,
        method,
        by: 'nobody',
        ...counted,
        path: `/v1/${path}`
      }))
  ),
  { row: 36, what: 'init, a second time', method: 'PUT', by: 'nobody', path: '/v1/sys/init', body: {}, status: 400, heardBy: 'the parser' },
  ...['-7', '0', '1.5', '1e9', 'x'].flatMap((limit): Attack[] =>
    ['auth/token/accessors?list=true&', 'sys/holdings?', 'sys/leases/lookup/users/?list=true&', 'database/roles?list=true&'].map(path => ({
      row: 38,
      what: `${path}limit=${limit}`,
      by: 'root',
      path: `/v1/${path}limit=${limit}`,
      status: 400,
      says: 'limit'
    }))
  )
]

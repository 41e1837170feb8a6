import { chmod } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startPostgres } from '../../targets/embedded-postgres.ts'
import type { TestPostgres } from '../../targets/embedded-postgres.ts'
import { openDriver, postgres as withoutTls, soon } from './kit.ts'
import { anotherCa, localhostCertificate, localhostKey, testCa } from '../../targets/tls-fixture.ts'

let postgres: TestPostgres

beforeAll(async () => {
  postgres = await startPostgres()
  const folder = join(dirname(postgres.logFile), 'data')
  for (const [file, pem] of [
    ['server.crt', localhostCertificate],
    ['server.key', localhostKey]
  ])
    await postgres.query(`copy (select pg_catalog.unnest(pg_catalog.string_to_array('${pem}', chr(10)))) to '${join(folder, file!)}'`)
  // Written by the server, so that the file is its own; this process is its user, or root.
  await chmod(join(folder, 'server.key'), 0o600)
  await postgres.query('alter system set ssl = on')
  await postgres.query('select pg_reload_conf()')
  while ((await postgres.query('show ssl', [], { user: postgres.superuser, password: postgres.password }))[0]?.['ssl'] !== 'on')
    await wait(50)
})
afterAll(async () => postgres[Symbol.asyncDispose]())

const refusal = async (fields: Record<string, string>, at = postgres as Parameters<typeof openDriver>[2]) =>
  openDriver(fields, {}, at)
    .check(soon())
    .then(
      () => 'accepted',
      (error: Error & { code: string }) => `${error.code}: ${error.message}`
    )
const usesTls = `select ssl from pg_stat_ssl join pg_stat_activity using (pid) where usename = 'mayfly'`

test('chain and name are verified, and the connection is encrypted', async () => {
  const database = openDriver({ host: 'localhost', sslmode: 'verify-full', tls_ca: testCa }, {}, postgres)
  const { missing } = await database.check(soon())
  expect(missing.join(' ')).not.toContain('sslmode')
  expect(await postgres.query(usesTls)).toEqual([{ ssl: true }])
})

test('another name is refused, and taken by verify-ca with a word about it', async () => {
  const fields = { host: '127.0.0.1', tls_ca: testCa }
  expect(await refusal({ ...fields, sslmode: 'verify-full' })).toBe(
    "target_refused: the server's certificate is not accepted: ERR_TLS_CERT_ALTNAME_INVALID (the host is not a name on it)"
  )
  const { missing } = await openDriver({ ...fields, sslmode: 'verify-ca' }, {}, postgres).check(soon())
  expect(missing.join(' ')).toContain('sslmode=verify-ca')
})

test('a certificate of another CA, or of one that is not known, is refused', async () => {
  for (const mode of ['verify-full', 'verify-ca', 'require'])
    expect(await refusal({ host: 'localhost', sslmode: mode, tls_ca: anotherCa })).toMatch(
      /^target_refused: the server's certificate is not accepted: .* \(tls_ca: whom to trust in place of the system's authorities\)$/
    )
  expect(await refusal({ host: 'localhost', sslmode: 'verify-full' })).toMatch(/^target_refused: the server's certificate is not accepted/)
  expect(await refusal({ host: 'localhost', sslmode: 'require' })).toBe('accepted')
})

test('a server without TLS is refused by every mode that asks for it', async () => {
  for (const mode of ['verify-full', 'verify-ca', 'require'])
    expect(await refusal({ sslmode: mode }, withoutTls)).toBe('target_refused: the database server offers no TLS, which sslmode asks for')
})

test('the environment has no say', async () => {
  const before = { ...process.env }
  Object.assign(process.env, {
    PGSSLMODE: 'disable',
    PGHOST: '203.0.113.1',
    PGPORT: '1',
    PGUSER: 'nobody',
    PGPASSWORD: 'x',
    PGDATABASE: 'nowhere'
  })
  Object.assign(process.env, { PGOPTIONS: '-c log_statement=nonsense', PGAPPNAME: 'x', PGREPLICATION: 'true', PGSSLNEGOTIATION: 'direct' })
  try {
    const database = openDriver({ host: 'localhost', sslmode: 'verify-full', tls_ca: testCa }, {}, postgres)
    await database.check(soon())
    expect(await postgres.query(usesTls)).toEqual([{ ssl: true }])
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
  }
})

/** `mayfly mysql`, with the client of this machine, a real broker and a real MariaDB. */
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing } from '../targets/missing.ts'
import type { MysqlAccess } from '../targets/mysql-access.ts'
import { mysqlMissing } from '../targets/mysql-flavours.ts'
import { sharedMysql } from '../targets/shared-mysql.ts'
import { startMysql } from '../targets/test-mysql.ts'
import { localhostCertificate, localhostKey, testCa } from '../targets/tls-fixture.ts'
import { programMissing } from './program-missing.ts'
import { RunStage } from './run-stage.ts'

const role = 'asks'
let stage: RunStage
let server: MysqlAccess
let runtime: string

describe.skipIf(missing(mysqlMissing('mariadb')) || missing(programMissing('mariadb')))('mayfly mysql', () => {
  beforeAll(async () => {
    stage = await RunStage.start()
    server = await sharedMysql('mariadb')
    runtime = join(stage.folder, 'runtime')
    mkdirSync(runtime, { mode: 0o700 })
    await stage.api.must('POST', 'database/config/maria', {
      plugin_name: 'mysql-database-plugin',
      allowed_roles: '*',
      connection_url: `{{username}}:{{password}}@tcp(${server.host}:${server.port})/app?tls=false`,
      username: 'mayfly',
      password: server.admin.password
    })
    await stage.role(role, { db_name: 'maria', default_ttl: '10m', max_ttl: '1h' })
  })

  afterAll(async () => {
    await stage[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })

  test('a role is all that has to be said; the user and its password are gone afterwards', async () => {
    const env = { MYSQL_HOST: 'elsewhere.invalid', MYSQL_PWD: 'old', MYSQL_TCP_PORT: '1' }
    const { code, out, err } = await mysql([role, '--', '-NBe', 'select current_user(), database()'], env)
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/^v-root-asks-\S+@%\tapp\n$/)
    expect(await users()).toEqual([])
    expect(readdirSync(runtime)).toEqual([])
  })

  test('over verified TLS without a word, and not to a server with a certificate of somebody else', async () => {
    const tls = { 'cert.pem': localhostCertificate, 'key.pem': localhostKey, 'ca.pem': testCa }
    await using own = await startMysql('mariadb', { event_scheduler: 'ON' }, tls)
    await stage.api.must('POST', 'database/config/verified', {
      plugin_name: 'mysql-database-plugin',
      allowed_roles: '*',
      connection_url: `{{username}}:{{password}}@tcp(localhost:${own.port})/app`,
      username: own.admin.user,
      password: own.admin.password,
      tls_ca: testCa
    })
    await stage.role('verified', { db_name: 'verified' })
    const asked = ['verified', '--', '-NBe', "show status like 'Ssl_version'"]
    expect(await mysql(asked)).toEqual({ code: 0, out: expect.stringContaining('TLSv1'), err: '' })
    const { code, err } = await mysql(['--host', '127.0.0.1', ...asked])
    expect([code, err]).toEqual([1, expect.stringContaining('ERROR 2026')])
  })

  test('nothing that the client starts finds the password in its environment, nor anybody in the list of processes', async () => {
    const { out } = await mysql([
      role,
      '--',
      '-e',
      '\\! env | grep -i mysql; cat /proc/$PPID/cmdline | tr "\\0" " "; stat -c %a $(dirname $MYSQL_TEST_LOGIN_FILE)/my.cnf'
    ])
    expect(out).toMatch(/--defaults-file=\S+my\.cnf/)
    expect(out).toMatch(/\b600$/m)
    expect(out).not.toMatch(/password=|MYSQL_PWD/)
    expect(out).not.toContain(stage.api.token)
  })

  test('the exit code is that of the client, and without a client nothing is issued', async () => {
    expect((await mysql([role, '--', '-e', 'select nothing'])).code).toBe(1)
    expect(await users()).toEqual([])
    expect(await mysql([role], { PATH: '/nowhere' })).toEqual({ code: 127, out: '', err: 'error: mariadb: no such program\n' })
  })
})

async function mysql(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const program = stage.mayfly(['mysql', '--client', 'mariadb', ...args], { XDG_RUNTIME_DIR: runtime, ...env })
  const code = await program.ended
  return { code, out: program.out, err: program.err }
}

async function users(): Promise<readonly string[]> {
  return (await server.query("select User as name from mysql.user where User like 'v-root-asks-%'")).map(row => String(row['name']))
}

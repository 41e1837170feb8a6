/** The check of a role at real servers: engine and driver together. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { database } from '../../../plugins/database/index.ts'
import { mysql } from '../../../plugins/mysql/index.ts'
import { postgresql } from '../../../plugins/postgresql/index.ts'
import type { JsonObject } from '../../../src/contracts/index.ts'
import { systemClock, systemRandom } from '../../../src/system-clock.ts'
import { TestMount } from '../../contract/test-mount.ts'
import { missing } from '../../targets/missing.ts'
import { postgresMissing } from '../../targets/postgres-binaries.ts'
import { sharedMysql, sharedMysqls } from '../../targets/shared-mysql.ts'
import { sharedPostgres } from '../../targets/shared-postgres.ts'

interface CheckedServer extends AsyncDisposable {
  readonly connection: JsonObject
  /** Users whose name begins so. */
  usersNamed(prefix: string): Promise<number>
  /** Statements whose second part the server refuses. */
  readonly broken: readonly string[]
  /** A grant of nothing that is there. */
  readonly unknownGrant: string
}

async function onPostgres(): Promise<CheckedServer> {
  const server = await sharedPostgres()
  const { host, port, admin } = server
  return {
    connection: {
      plugin_name: 'postgresql-database-plugin',
      connection_url: `postgresql://{{username}}:{{password}}@${host}:${port}/app?sslmode=disable`,
      username: admin.user,
      password: admin.password
    },
    usersNamed: async prefix => (await server.query('select 1 from pg_roles where rolname like $1', [`${prefix}%`])).length,
    broken: [`create role "{{name}}" login password '{{password}}'`, 'grant nobodys to "{{name}}"'],
    unknownGrant: 'grant nobodys to "{{name}}"',
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]()
  }
}

async function onMysql(flavour: (typeof sharedMysqls)[number]): Promise<CheckedServer> {
  const server = await sharedMysql(flavour)
  const { host, port, admin } = server
  return {
    connection: {
      plugin_name: 'mysql-database-plugin',
      connection_url: `{{username}}:{{password}}@tcp(${host}:${port})/?tls=false`,
      username: admin.user,
      password: admin.password
    },
    usersNamed: async prefix => (await server.query('select 1 from mysql.user where User like ?', [`${prefix}%`])).length,
    broken: ["create user '{{name}}'@'%' identified by '{{password}}'", "grant nobodys to '{{name}}'@'%'"],
    unknownGrant: "grant nobodys to '{{name}}'@'%'",
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]()
  }
}

const servers: readonly (readonly [string, () => Promise<CheckedServer>])[] = [
  ...(missing(postgresMissing()) ? [] : [['postgresql', onPostgres] as const]),
  ...sharedMysqls.map(flavour => [flavour, () => onMysql(flavour)] as const)
]

describe.each(servers)('a check of a role with %s', (kind, open) => {
  let server: CheckedServer
  let roles = 0

  beforeAll(async () => {
    server = await open()
  })
  afterAll(() => server[Symbol.asyncDispose]())

  /** As the broker performs it, without a sweeper behind. */
  async function checked(fields: JsonObject) {
    const mount = await TestMount.open(database, { clock: systemClock, random: systemRandom, databaseDrivers: [postgresql, mysql] })
    onTestFinished(() => mount[Symbol.asyncDispose]())
    const role = `c${process.pid % 1_000}x${roles++}`
    await mount.write('config/app', { ...server.connection, allowed_roles: '*' })
    await mount.write(`roles/${role}`, { db_name: 'app', ...fields })
    const answer = await mount.write(`roles/${role}/check`, {})
    if (!answer || !('issue' in answer)) throw new Error(`no probe: ${JSON.stringify(answer)}`)
    const { issue: plan } = answer
    const createBy = systemClock.now().add({ seconds: 10 })
    const { secret } = await mount.perform({ lease: 'test/check/0123456789abcdefghijklmn' as never, plan, handle: plan.handle, createBy })
    expect(await server.usersNamed(`v-token-${role}`)).toBe(0)
    return secret!.reveal() as any
  }

  test('makes the probe, names its rights, logs in, ends it, and leaves nobody', async () => {
    const report = await checked({ member_of: 'app_ro' })
    expect(report.steps.filter(({ ok }: { ok: boolean }) => !ok)).toEqual([])
    expect(report).toMatchObject({ ok: true, rights: { member_of: ['app_ro'] }, concerns: [expect.stringContaining('no TLS')] })
    expect(JSON.stringify(report.rights.objects)).toContain('SELECT')
  })

  test('a statement in the middle that fails is told in the words of the server, and nobody is left', async () => {
    const report = await checked({ creation_statements: server.broken })
    const failed = report.steps.filter(({ ok }: { ok: boolean }) => !ok)
    expect(failed).toEqual([expect.objectContaining({ step: 'create', told: expect.stringMatching(/^the server refused: .*nobodys/) })])
    expect(report.steps.at(-1)).toMatchObject({ step: 'revoke', ok: true, told: 'gone' })
  })

  test('a renewal that the server refuses is told, and nobody is left', async () => {
    const report = await checked({ member_of: 'app_ro', renew_statements: server.unknownGrant })
    const failed = report.steps.filter(({ ok }: { ok: boolean }) => !ok)
    expect(failed).toEqual([expect.objectContaining({ step: 'renew', told: expect.stringMatching(/^the server refused: .*nobodys/) })])
  })

  test.skipIf(kind === 'postgresql')('a user of other hosts is made and ended, and what could not be tried from here is told', async () => {
    const report = await checked({ member_of: 'app_ro', host: '10.%' })
    expect(report.ok).toBe(true)
    expect(report.steps.at(-2)).toMatchObject({ step: 'login', told: expect.stringContaining('from 10.% only, and not from here') })
    expect(report.steps.at(-1)).toMatchObject({ step: 'revoke', told: 'gone' })
    expect(report.concerns).toContainEqual(expect.stringContaining('neither its login nor its rights were tried'))
    expect((await checked({ member_of: 'app_ro', host: '127.%' })).rights).toMatchObject({ member_of: ['app_ro'] })
  })
})

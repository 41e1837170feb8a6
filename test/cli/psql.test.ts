/** `mayfly psql`, with the psql of this machine, a real broker and a real PostgreSQL. */
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing } from '../targets/missing.ts'
import { postgresMissing } from '../targets/postgres-binaries.ts'
import { programMissing } from './program-missing.ts'
import { RunStage } from './run-stage.ts'

const role = 'asks'
let stage: RunStage
let runtime: string

describe.skipIf(missing(postgresMissing()) || missing(programMissing('psql')))('mayfly psql', () => {
  beforeAll(async () => {
    stage = await RunStage.start()
    runtime = join(stage.folder, 'runtime')
    mkdirSync(runtime, { mode: 0o700 })
    await stage.role(role, { default_ttl: '10m', max_ttl: '1h' })
  })

  afterAll(() => stage[Symbol.asyncDispose]())

  test('a role is all that has to be said; the user and its password are gone afterwards', async () => {
    const env = { PGHOST: 'elsewhere.invalid', PGPASSWORD: 'old', PGSERVICE: 'none', PGUSER: 'nobody' }
    const { code, out, err } = await psql([role, '--', '-Atc', 'select current_user, current_database()'], env)
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(new RegExp(`^v-root-asks-\\S+\\|${stage.database}\\n$`))
    expect(await stage.users(role)).toEqual([])
    expect(readdirSync(runtime)).toEqual([])
  })

  test('no shell, pager or editor that psql starts finds the password in its environment', async () => {
    const { out } = await psql([role, '--', '-c', '\\! env | grep PG; stat -c %a $PGPASSFILE $(dirname $PGPASSFILE); cat $PGPASSFILE'])
    const password = /^\*:\*:\*:v-root-asks-[\w-]+:(\S{20})$/m.exec(out)?.[1] ?? ''
    expect(out).toMatch(/^600\n700\n/m)
    expect(out.split(password)).toHaveLength(2)
    expect(out).not.toContain('PGPASSWORD')
    expect(out).not.toContain(stage.api.token)
  })

  test('the exit code is that of psql', async () => {
    expect((await psql([role, '--', '-c', 'select 1/0'])).code).toBe(1)
    expect((await psql([role, '--', '-d', 'no_such_database'])).code).toBe(2)
    expect(await stage.users(role)).toEqual([])
  })

  test('without psql nothing is issued', async () => {
    const before = await issued()
    expect(await psql([role], { PATH: '/nowhere' })).toEqual({ code: 127, out: '', err: 'error: psql: no such program\n' })
    expect(await issued()).toBe(before)
  })

  test('where the database is takes a right of its own; whoever knows it needs none', async () => {
    const token = await tokenFor(`path "database/creds/${role}" { capabilities = ["read"] }`)
    const before = await issued()
    expect(await psql([role], { MAYFLY_TOKEN: token })).toEqual({
      code: 200,
      out: '',
      err: 'error: host: the broker does not tell you where the database is (database/where/asks): --host, or PGHOST\n'
    })
    expect(await issued()).toBe(before)
    const { host, port } = stage.postgres
    const known = ['--host', host, '--port', String(port), '--dbname', stage.database]
    expect((await psql([...known, role, '--', '-Atc', 'select 1'], { MAYFLY_TOKEN: token })).out).toBe('1\n')
    const env = { MAYFLY_TOKEN: token, PGHOST: host, PGPORT: String(port), PGDATABASE: stage.database }
    expect((await psql([role, '--', '-Atc', 'select 2'], env)).out).toBe('2\n')
    expect((await psql([role], { MAYFLY_TOKEN: 's.nobody' })).err).toBe('error: permission denied (with the token of MAYFLY_TOKEN)\n')
  })

  test('what where tells is no secret, and only of roles that the connection allows', async () => {
    const { host, port } = stage.postgres
    const { data } = await stage.api.must('GET', `database/where/${role}`)
    expect(data).toEqual({ hosts: [{ host, port }], database: stage.database, sslmode: 'disable' })
    expect((await stage.api.ask('GET', 'database/where/none')).body).toEqual({ errors: ['unknown role: none'] })
    await stage.role('orphan', { db_name: 'nowhere' })
    expect((await psql(['orphan'])).err).toBe('error: failed to find entry for connection with name: "nowhere"\n')
    await stage.api.must('POST', 'database/config/app', { allowed_roles: 'other' })
    expect((await stage.api.ask('GET', `database/where/${role}`)).status).toBe(403)
    await stage.api.must('POST', 'database/config/app', { allowed_roles: '*' })
    const token = await tokenFor(`path "database/where/${role}" { capabilities = ["read"] }`)
    expect((await psql([role], { MAYFLY_TOKEN: token })).code).toBe(203)
  })
})

async function psql(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const program = stage.mayfly(['psql', ...args], { XDG_RUNTIME_DIR: runtime, ...env })
  const code = await program.ended
  return { code, out: program.out, err: program.err }
}

async function tokenFor(policy: string): Promise<string> {
  await stage.api.must('PUT', 'sys/policies/acl/asks', { policy })
  const { auth } = await stage.api.must('POST', 'auth/token/create', { policies: ['asks'] })
  return auth.client_token
}

async function issued(): Promise<number> {
  const { data } = await stage.api.must('GET', 'sys/holdings?ended=true')
  return data.holdings.length
}

import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test as anyTest } from 'vitest'
import { startPostgres } from './embedded-postgres.ts'
import { missing } from './missing.ts'
import { postgresMissing } from './postgres-binaries.ts'
import { sharedPostgres } from './shared-postgres.ts'

const test = anyTest.skipIf(missing(postgresMissing()))

const starter = join(import.meta.dirname, 'start-and-wait.ts')

test('a password is needed, expiry counts, and the admin is no superuser', async () => {
  await using postgres = await sharedPostgres()
  await expect(postgres.query('select 1', [], { user: postgres.superuser, password: 'wrong' })).rejects.toMatchObject({ code: '28P01' })
  await postgres.query("create role target_expired login password 'over' valid until '2001-01-01'")
  await expect(postgres.query('select 1', [], { user: 'target_expired', password: 'over' })).rejects.toMatchObject({ code: '28P01' })
  await postgres.query('drop role target_expired')
  const [admin] = await postgres.query('select rolsuper, rolcreaterole from pg_roles where rolname = current_user', [], postgres.admin)
  expect(admin).toEqual({ rolsuper: false, rolcreaterole: true })
})

test('the admin hands out the group app_ro, which reads and does not write', async () => {
  await using postgres = await sharedPostgres()
  const user = { user: 'target_reader', password: 'target-reader' }
  await postgres.query(`create role target_reader login password '${user.password}'`, [], postgres.admin)
  await postgres.query('grant app_ro to target_reader with inherit true, set false', [], postgres.admin)
  expect(await postgres.query('select count(*)::int as orders from orders', [], user)).toEqual([{ orders: 3 }])
  await expect(postgres.query('delete from orders', [], user)).rejects.toMatchObject({ code: '42501' })
  await postgres.query('drop role target_reader', [], postgres.admin)
})

test('a database of its own has tables of its own and is gone afterwards', async () => {
  await using postgres = await sharedPostgres()
  let name: string
  {
    await using database = await postgres.newDatabase()
    name = database.name
    await postgres.query('drop table orders', [], { user: postgres.superuser, password: postgres.password, database: name })
  }
  expect(await postgres.query('select count(*)::int as orders from orders')).toEqual([{ orders: 3 }])
  expect(await postgres.query('select 1 from pg_database where datname = $1', [name])).toEqual([])
})

test('statements stand in the log, the passwords of the setup do not', async () => {
  await using postgres = await sharedPostgres()
  await postgres.query("select 'a canary of this test'")
  const log = readFileSync(postgres.logFile, 'utf8')
  expect(log).toContain('a canary of this test')
  expect(log).not.toContain(postgres.admin.password)
  expect(log).not.toContain(postgres.password)
})

test('a killed server loses its sessions and nothing that it acknowledged, and comes back on the same port', async () => {
  await using postgres = await startPostgres()
  const session = await postgres.connect(postgres.admin)
  await postgres.query("insert into customers (name) values ('Barbara')")
  await postgres.kill()
  await expect(postgres.query('select 1')).rejects.toThrow()
  await postgres.start()
  await expect(session.query('select 1')).rejects.toThrow()
  expect(await postgres.query("select name from customers where name = 'Barbara'")).toHaveLength(1)
})

test('a setting that PostgreSQL refuses is told with its own words', async () => {
  await expect(startPostgres({ settings: { log_statement: 'sometimes' } })).rejects.toThrow('log_statement')
})

test('no server is left behind by a parent that was killed', async () => {
  const parent = spawn(process.execPath, [starter], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [pid, logFile] = (await new Promise<string>(resolve => parent.stdout.once('data', data => resolve(String(data))))).trim().split(' ')
  expect(runs(Number(pid))).toBe(true)
  parent.kill('SIGKILL')
  for (let i = 0; i < 200 && (runs(Number(pid)) || existsSync(dirname(logFile!))); i++) await wait(50)
  expect(runs(Number(pid))).toBe(false)
  expect(existsSync(dirname(logFile!))).toBe(false)
})

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

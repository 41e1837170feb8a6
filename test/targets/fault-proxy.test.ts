import { setTimeout as wait } from 'node:timers/promises'
import { Client } from 'pg'
import { afterEach, beforeEach, expect, test as anyTest } from 'vitest'
import { FaultProxy } from './fault-proxy.ts'
import type { PostgresAccess } from './postgres-access.ts'
import { missing } from './missing.ts'
import { postgresMissing } from './postgres-binaries.ts'
import { sharedPostgres } from './shared-postgres.ts'

const test = anyTest.skipIf(missing(postgresMissing()))

let postgres: PostgresAccess
let proxy: FaultProxy
let client: Client

beforeEach(async () => {
  postgres = await sharedPostgres()
  proxy = await FaultProxy.start(postgres)
  client = await connect()
  await postgres.query('create table if not exists proxy_marks (mark text)')
})

afterEach(async () => {
  await proxy[Symbol.asyncDispose]()
  await client.end().catch(() => undefined)
  await postgres.query('drop table proxy_marks')
  await postgres[Symbol.asyncDispose]()
})

async function connect(): Promise<Client> {
  const client = new Client({
    host: proxy.host,
    port: proxy.port,
    user: postgres.superuser,
    password: postgres.password,
    database: 'app',
    ssl: false
  })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

const marks = async () => (await postgres.query('select mark from proxy_marks')).map(row => row['mark'])
const after = (milliseconds: number) => wait(milliseconds, 'nothing yet')

test('without a fault it is not there', async () => {
  expect((await client.query("select repeat('x', 1000000) as much")).rows[0].much).toHaveLength(1_000_000)
  await client.end()
  expect(proxy).toMatchObject({ strikes: 0 })
})

test('a black hole answers nothing and tells nobody, and what was sent arrives when it is over', async () => {
  proxy.fault = { kind: 'black-hole' }
  const insert = client.query("insert into proxy_marks values ('sent into silence')")
  expect(await Promise.race([insert, after(200)])).toBe('nothing yet')
  expect(await marks()).toEqual([])
  proxy.fault = { kind: 'pass' }
  await insert
  expect(await marks()).toEqual(['sent into silence'])
})

test('a black hole of one direction lets the other pass', async () => {
  proxy.fault = { kind: 'black-hole', direction: 'server' }
  const insert = client.query("insert into proxy_marks values ('done, and nobody told')")
  expect(await Promise.race([insert, after(200)])).toBe('nothing yet')
  expect(await marks()).toEqual(['done, and nobody told'])
  proxy.fault = { kind: 'pass' }
  await insert
})

test('cut after COMMIT: the server has committed, the client sees a reset', async () => {
  await client.query('begin')
  await client.query("insert into proxy_marks values ('committed')")
  proxy.fault = { kind: 'cut', pattern: /commit/i, when: 'after' }
  await expect(client.query('COMMIT')).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect(await marks()).toEqual(['committed'])
  expect(proxy.strikes).toBe(1)
})

test('cut before COMMIT: the server never hears of it', async () => {
  await client.query('begin')
  await client.query("insert into proxy_marks values ('not committed')")
  proxy.fault = { kind: 'cut', pattern: 'COMMIT', when: 'before' }
  await expect(client.query('COMMIT')).rejects.toThrow()
  expect(await marks()).toEqual([])
})

test('a cut strikes once: the next connection passes', async () => {
  proxy.fault = { kind: 'cut', pattern: 'select 1', when: 'before' }
  await expect(client.query('select 1')).rejects.toThrow()
  const next = await connect()
  expect((await next.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  await next.end()
})

test('cut on what the server says', async () => {
  proxy.fault = { kind: 'cut', pattern: 'INSERT 0 1', from: 'server', when: 'before' }
  await expect(client.query("insert into proxy_marks values ('done')")).rejects.toThrow()
  expect(await marks()).toEqual(['done'])
})

test('a swallowed reply: done in the server, silence for the client, the connection stays open', async () => {
  proxy.fault = { kind: 'swallow', pattern: 'insert into' }
  const insert = client.query("insert into proxy_marks values ('done')").catch(() => 'failed')
  expect(await Promise.race([insert, after(300)])).toBe('nothing yet')
  expect(await marks()).toEqual(['done'])
  expect(proxy.open).toBe(1)
})

test('a pattern is found across chunks', async () => {
  proxy.fault = { kind: 'cut', pattern: 'needle', when: 'before' }
  const big = `select '${'x'.repeat(200_000)}', 'nee' || 'dle', 'needle'`
  await expect(client.query(big)).rejects.toThrow()
  expect(proxy.strikes).toBe(1)
})

test('a delay is a delay, and keeps the order', async () => {
  proxy.fault = { kind: 'delay', milliseconds: 100, direction: 'client' }
  const start = performance.now()
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  expect(performance.now() - start).toBeGreaterThanOrEqual(95)
})

test('reset: no new connection, and no byte on an old one', async () => {
  proxy.fault = { kind: 'reset' }
  await expect(connect()).rejects.toThrow()
  await expect(client.query('select 1')).rejects.toThrow()
  proxy.fault = { kind: 'pass' }
  await (await connect()).end()
})

test('a target that is down is a reset for the client', async () => {
  await using nowhere = await FaultProxy.start({ host: '127.0.0.1', port: 1 })
  const lost = new Client({ host: nowhere.host, port: nowhere.port, user: 'nobody', password: 'none', database: 'app', ssl: false })
  await expect(lost.connect()).rejects.toThrow()
})

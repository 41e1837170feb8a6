/** Rows 11, 21 and 22 on a whole broker: what many or greedy clients do at once takes nothing from the others. How single connections are closed is in test/http/limits.test.ts. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RawClient, bytes } from '../http/raw-client.ts'
import { brokerUnderAttack } from './broker-under-attack.ts'
import type { BrokerUnderAttack } from './broker-under-attack.ts'

// Some milliseconds where nothing else runs; a machine may stall for a second or two.
const healthMsMax = 4_000
const growthMbMax = 400

let broker: BrokerUnderAttack
let owner: string
beforeAll(async () => {
  broker = await brokerUnderAttack()
  owner = (await broker.token({ policies: ['app'] })).token
})
afterAll(() => broker[Symbol.asyncDispose]())

const many = (count: number) => Array.from({ length: count }, () => RawClient.plain(broker.port))

function close(clients: readonly RawClient[]): void {
  for (const client of clients) client[Symbol.dispose]()
}

/** Asks for its health and for a credential, again and again while `meanwhile` goes on; the longest wait of each kind. */
async function waits(meanwhile: Promise<unknown>): Promise<{ readonly health: number; readonly credential: number }> {
  const longest = { health: 0, credential: 0 }
  const going = { on: true }
  const ended = meanwhile.finally(() => (going.on = false))
  do {
    let started = performance.now()
    expect((await broker.root.ask('GET', 'sys/health')).status).toBe(200)
    longest.health = Math.max(longest.health, performance.now() - started)
    started = performance.now()
    expect((await broker.as(owner).ask('GET', 'users/creds/app')).status).toBe(200)
    longest.credential = Math.max(longest.credential, performance.now() - started)
  } while (going.on)
  await ended
  return longest
}

test('500 idle connections, and 100 that began a request, keep nobody waiting', async () => {
  const idle = many(500)
  const begun = many(100)
  await Promise.all(begun.map(client => client.send('GET /v1/users/creds/app HTTP/1.1\r\nX-Vault-')))
  const { health, credential } = await waits(Promise.resolve())
  expect(health).toBeLessThan(healthMsMax)
  expect(credential).toBeLessThan(healthMsMax)
  close([...idle, ...begun])
})

test('1,000 requests in a row on one connection are answered, and others meanwhile', async () => {
  using client = RawClient.plain(broker.port)
  const answers = async () => {
    await client.send(bytes('GET', '/v1/auth/token/lookup-self', { 'X-Vault-Token': owner }).repeat(1_000))
    for (let i = 0; i < 1_000; i++) expect((await client.reply())?.status).toBe(200)
  }
  expect((await waits(answers())).health).toBeLessThan(healthMsMax)
})

test('forty bodies that go deep, and forty that are half of what they say, do not stop or fill the broker', async () => {
  const before = broker.memoryMb()
  const deep = many(40)
  const half = many(40)
  const refused = async () => {
    const body = `{"a":${'['.repeat(2_000_000)}`
    for (const client of deep) {
      await client.send(bytes('POST', '/v1/auth/token/create', { 'X-Vault-Token': owner }, body))
      expect((await client.reply())?.status).toBe(400)
    }
    const part = bytes('POST', '/v1/auth/token/create', { 'X-Vault-Token': owner, 'Content-Length': '4000000' }) + 'x'.repeat(2_000_000)
    await Promise.all(half.map(client => client.send(part)))
  }
  expect((await waits(refused())).health).toBeLessThan(healthMsMax)
  close([...deep, ...half])
  expect(broker.memoryMb() - before).toBeLessThan(growthMbMax)
})

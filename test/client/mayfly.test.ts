/** The client of an application on the wire: what it sends, what it repeats, and what it never does twice. */
import { afterEach, expect, test } from 'vitest'
import { appRole, Denied, Mayfly, NothingThere, Refused, token, Unreachable } from '../../src/client/index.ts'
import type { Login, Timing } from '../../src/client/index.ts'
import { envelope, SmallServer } from '../cli/small-server.ts'
import type { Answer, Asked } from '../cli/small-server.ts'

let server: SmallServer
let mayfly: Mayfly

afterEach(async () => {
  await mayfly[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** Waits for nothing; remembers how long it would have. */
const waited: number[] = []
const timing: Timing = {
  wall: () => 0,
  steady: () => 0,
  random: () => 1,
  sleep: async (milliseconds, signal) => {
    if (milliseconds < 15_000) return void waited.push(milliseconds)
    return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
  }
}

async function started(login: Login = token('s.given')): Promise<void> {
  waited.length = 0
  server = await SmallServer.start()
  mayfly = new Mayfly({ address: server.address, login, timing })
}

const paths = () => server.asked.map(({ method, target }) => `${method} ${target.replace('/v1/', '')}`)
const tokens = () => server.asked.map(({ headers }) => headers['x-vault-token'])

function answers(by: (asked: Asked, index: number) => Answer): void {
  let index = 0
  Object.defineProperty(server, 'answer', { get: () => by(server.asked.at(-1)!, index++) })
}

test('read, write, list and delete speak the wire', async () => {
  await started()
  server.answer = { body: envelope({ request_id: 'r1', data: { a: 1 }, warnings: ['w'] }) }
  const reply = await mayfly.read<{ a: number }>('kv/x', { version: 2 })
  expect([reply.reveal().a, reply.requestId, reply.leaseId, reply.warnings]).toEqual([1, 'r1', '', ['w']])
  server.answer = { status: 204 }
  await mayfly.write('kv/x', { a: 'b' })
  await mayfly.delete('kv/x')
  server.answer = { body: envelope({ data: { keys: ['a', 'b/'] } }) }
  expect(await mayfly.list('kv/')).toEqual(['a', 'b/'])
  server.answer = { status: 404, body: { errors: [] } }
  expect(await mayfly.list('kv/none')).toEqual([])
  await expect(mayfly.read('kv/none')).rejects.toBeInstanceOf(NothingThere)
  expect(paths()).toEqual(['GET kv/x?version=2', 'POST kv/x', 'DELETE kv/x', 'GET kv/?list=true', 'GET kv/none?list=true', 'GET kv/none'])
  expect(new Set(tokens())).toEqual(new Set(['s.given']))
})

test('an application logs in once, without a token, and ends its token when it is done', async () => {
  await started(appRole({ roleId: 'role', secretId: async () => 'once\n', mount: 'apps' }))
  answers(({ target }) =>
    target.endsWith('login')
      ? { body: envelope({ auth: { client_token: 's.mine', accessor: 'a', policies: ['app'], lease_duration: 3_600, renewable: true } }) }
      : { body: envelope({ data: {} }) }
  )
  await Promise.all([mayfly.read('a'), mayfly.read('b')])
  await mayfly.close()
  expect(paths().toSorted()).toEqual(['GET a', 'GET b', 'POST auth/apps/login', 'PUT auth/token/revoke-self'])
  expect(server.asked[0]).toMatchObject({ body: '{"role_id":"role","secret_id":"once"}' })
  expect(tokens()).toEqual([undefined, 's.mine', 's.mine', 's.mine'])
})

test('a token that was given is nobody else’s to end', async () => {
  await started()
  server.answer = { body: envelope({ data: {} }) }
  await mayfly.read('a')
  await mayfly.close()
  expect(paths()).toEqual(['GET a'])
})

test('a login that fails is told, and tried again by the next request', async () => {
  await started(appRole({ roleId: 'role', secretId: 'wrong' }))
  server.answer = { status: 400, body: { errors: ['invalid role or secret ID'] } }
  await expect(mayfly.read('a')).rejects.toMatchObject({ status: 400, message: 'invalid role or secret ID' })
  await expect(mayfly.read('a')).rejects.toBeInstanceOf(Refused)
  expect(paths()).toEqual(['POST auth/approle/login', 'POST auth/approle/login'])
})

test.each<[string, Answer, 'read' | 'write', number]>([
  ['a read after a fault', { status: 500, body: { errors: ['internal error'] } }, 'read', 3],
  ['a read whose connection broke', { breaks: true }, 'read', 3],
  ['a read that is not implemented', { status: 501, body: { errors: [] } }, 'read', 1],
  ['a read that is wrong', { status: 400, body: { errors: ['no'] } }, 'read', 1],
  ['a write after a fault', { status: 500, body: { errors: ['internal error'] } }, 'write', 1],
  ['a write whose connection broke', { breaks: true }, 'write', 1],
  ['a write that was turned away', { status: 429, body: { errors: ['rate limit'] }, headers: { 'retry-after': '2' } }, 'write', 3],
  ['a write to one that is sealed', { status: 503, body: { errors: ['Vault is sealed'] } }, 'write', 3],
  ['a read that was turned away for long', { status: 429, body: { errors: ['no'] }, headers: { 'retry-after': '900' } }, 'read', 1]
])('%s is asked for %4$i times', async (_, answer, verb, times) => {
  await started()
  server.answer = answer
  await expect(verb === 'read' ? mayfly.read('a') : mayfly.write('a', {})).rejects.toThrow()
  expect(server.asked).toHaveLength(times)
  if (answer.headers?.['retry-after'] === '2') expect(waited).toEqual([2_000, 2_000])
})

test('what never arrived is sent again, a write too', async () => {
  await started()
  const { address } = server
  await server[Symbol.asyncDispose]()
  await expect(mayfly.write('a', {})).rejects.toMatchObject({ why: 'refused', address })
  await expect(mayfly.write('a', {})).rejects.toBeInstanceOf(Unreachable)
  expect(waited).toHaveLength(4)
})

test('a denial of a living token is a denial; of a dead one it means a new login, and the request is made once more', async () => {
  let now = 0
  let logins = 0
  await started()
  mayfly = new Mayfly({
    address: server.address,
    timing: { ...timing, steady: () => now },
    login: { logIn: async () => ({ token: `s.${++logins}`, seconds: 3_600, renewable: true, own: true }) }
  })
  let dead = ''
  answers(({ target, headers }) =>
    headers['x-vault-token'] === dead || target.endsWith('forbidden')
      ? { status: 403, body: { errors: ['permission denied'] } }
      : { body: envelope({ data: {} }) }
  )
  await mayfly.read('a')
  now = 10_000
  await expect(mayfly.read('forbidden')).rejects.toBeInstanceOf(Denied)
  expect(logins).toBe(1)
  dead = 's.1'
  await mayfly.write('a', {})
  expect([logins, tokens().at(-1), paths().slice(-3)]).toEqual([2, 's.2', ['POST a', 'GET auth/token/lookup-self', 'POST a']])
})

test('a policy that says no in a loop is no login in a loop', async () => {
  let logins = 0
  await started()
  mayfly = new Mayfly({
    address: server.address,
    timing,
    login: { logIn: async () => ({ token: `s.${++logins}`, seconds: 3_600, renewable: true, own: false }) }
  })
  server.answer = { status: 403, body: { errors: ['permission denied'] } }
  for (let i = 0; i < 5; i++) await expect(mayfly.read('a')).rejects.toBeInstanceOf(Denied)
  expect(logins).toBe(1)
})

test('a reply without a lease is no credential to hold', async () => {
  await started()
  server.answer = { body: envelope({ data: { ttl: 0 } }) }
  await expect(mayfly.lease('kv/x')).rejects.toThrow('the reply of kv/x has no lease')
})

test('a fetch of the caller’s carries the same requests, and follows nobody', async () => {
  await started()
  const plain = mayfly
  mayfly = new Mayfly({ address: server.address, login: token('s.given'), timing, fetch })
  await plain.close()
  server.answer = { body: envelope({ data: { a: 1 } }) }
  expect((await mayfly.write('a b', { c: 'ü' })).reveal()).toEqual({ a: 1 })
  expect(server.asked[0]).toMatchObject({ target: '/v1/a%20b', body: '{"c":"ü"}', headers: { 'x-vault-token': 's.given' } })
  server.answer = { status: 307, headers: { location: `${server.address}/elsewhere` } }
  await expect(mayfly.read('a')).rejects.toMatchObject({ status: 307 })
  expect(server.asked).toHaveLength(2)
  const { address } = server
  await server[Symbol.asyncDispose]()
  await expect(mayfly.read('a')).rejects.toMatchObject({ why: 'refused', address })
})

test('a fetch of the caller’s that answers without end is cut off', async () => {
  await started()
  const [mebibyte, most] = [2 ** 20, 200]
  let sent = 0
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (++sent > most) controller.close()
      else controller.enqueue(new Uint8Array(mebibyte).fill(0x20))
    }
  })
  await using other = new Mayfly({ address: server.address, login: token('s.given'), timing, fetch: async () => new Response(body) })
  await expect(other.read('a')).rejects.toThrow('the reply is longer than any of this API')
  expect(sent).toBeLessThan(most / 2)
})

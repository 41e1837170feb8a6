/** A credential handed on by a token that opens it once, as it is typed. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { realBroker } from './real-broker.ts'
import { Shell } from './shell.ts'

let broker: Awaited<ReturnType<typeof realBroker>>
const shell = new Shell()

beforeAll(async () => {
  broker = await realBroker('dev')
  Object.assign(shell.env, { MAYFLY_ADDR: broker.address, MAYFLY_TOKEN: broker.token })
  await shell.run('secrets enable memory')
  await shell.run(`write memory/config path=${join(broker.folder, 'users.db')}`)
  await shell.run('write memory/roles/shop default_ttl=1h max_ttl=2h')
})
afterAll(async () => {
  shell[Symbol.dispose]()
  await broker[Symbol.asyncDispose]()
})

const wrap = async (line: string) => (await shell.run(`${line} -field=wrapping_token`)).out.trim()

test('a wrapped credential shows only its wrapping', async () => {
  const { code, out } = await shell.run('read -wrap-ttl=5m memory/creds/shop')
  expect(code).toBe(0)
  const names = out.split('\n').map(line => line.split(' ')[0])
  expect(names.slice(2, -1)).toEqual([
    'wrapping_token',
    'wrapping_accessor',
    'wrapping_token_ttl',
    'wrapping_token_creation_time',
    'wrapping_token_creation_path'
  ])
})

test('it is opened once, by the token itself, without any other', async () => {
  const token = await wrap('read -wrap-ttl=5m memory/creds/shop')
  using receiver = new Shell()
  receiver.env['MAYFLY_ADDR'] = broker.address
  const opened = await receiver.run('unwrap -field=password -', { stdin: `${token}\n` })
  expect(opened).toMatchObject({ code: 0, out: expect.stringMatching(/^[\w-]{20}$/), err: '' })
  const again = await receiver.run(['unwrap', token])
  expect(again.code).toBe(2)
  expect(again.err).toContain('wrapping token is not valid or does not exist')
  expect(again.err).toContain('a token on the command line stays in the history of your shell')
})

test('a token that is made for somebody else, and what is written for them', async () => {
  const token = await wrap('token create -ttl=1h -wrap-ttl=60')
  expect((await shell.run('unwrap -field=token', { env: { MAYFLY_TOKEN: token } })).out).toMatch(/^s\.[0-9A-Za-z]{26}$/)
  const note = await wrap('write -wrap-ttl=1h sys/wrapping/wrap note=hello')
  expect((await shell.run('unwrap -field=note -', { stdin: note })).out).toBe('hello')
})

test.each([
  ['unwrap -', 'error: token: is empty\n', 1],
  ['read -wrap-ttl=soon memory/creds/shop', /^error: error parsing X-Vault-Wrap-TTL header: not a duration: /, 2],
  ['read -wrap-ttl=5;m memory/creds/shop', /^error: wrap TTL: expected seconds, or text such as "5m"\n/, 1]
])('%s', async (line, told, code) => {
  const ran = await shell.run(line)
  expect(ran.code).toBe(code)
  if (typeof told === 'string') expect(ran.err).toBe(told)
  else expect(ran.err).toMatch(told)
})

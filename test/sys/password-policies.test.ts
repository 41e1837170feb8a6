import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBroker } from './open-broker.ts'
import type { TestBroker } from './open-broker.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await openBroker()
})
afterAll(() => broker[Symbol.asyncDispose]())

const path = 'sys/policies/password'
const text = 'length = 24\n# letters\nrule "charset" {\n  charset   = "abcdefghijklmnopqrstuvwxyz"\n  min-chars = 1\n}\n'

test('comes back byte for byte, and makes passwords', async () => {
  expect(await broker.ask('write', `${path}/letters`, { policy: text })).toMatchObject({ status: 204 })
  expect((await broker.ask('read', `${path}/letters`)).data).toEqual({ policy: text })
  const made = await Promise.all([1, 2].map(async () => (await broker.ask('read', `${path}/letters/generate`)).data))
  for (const data of made) expect(data).toEqual({ password: expect.stringMatching(/^[a-z]{24}$/) })
  expect(made[0]).not.toEqual(made[1])
})

test('a password that was shown stands nowhere else, the trail included', async () => {
  await broker.ask('write', `${path}/shown`, { policy: text })
  const { password } = (await broker.ask('read', `${path}/shown/generate`)).data as { password: string }
  const lines = (await broker.parts.store.auditLines(0, 10_000)).map(({ line }) => line)
  expect(lines.some(line => line.includes(`${path}/shown/generate`))).toBe(true)
  expect(lines.join('\n')).not.toContain(password)
  expect(lines.join('\n')).not.toContain('abcdefghijklmnopqrstuvwxyz')
})

test('text, JSON and base64 are one thing', async () => {
  const json = '{"length":30,"rule":[{"charset":[{"charset":"xyz012","min-chars":1}]}]}'
  await broker.ask('write', `${path}/json`, { policy: json })
  await broker.ask('write', `${path}/base64`, { policy: Buffer.from(text).toString('base64') })
  expect((await broker.ask('read', `${path}/json`)).data).toEqual({ policy: json })
  expect((await broker.ask('read', `${path}/json/generate`)).data).toEqual({ password: expect.stringMatching(/^[xyz012]{30}$/) })
  expect((await broker.ask('read', `${path}/base64`)).data).toEqual({ policy: text })
})

test('is listed, page by page, and its name keeps its capitals', async () => {
  for (const name of ['a', 'B', 'c.d', 'e_f-g']) await broker.ask('write', `${path}/${name}`, { policy: text })
  const { keys } = (await broker.ask('list', path)).data as { keys: string[] }
  expect(keys).toEqual(expect.arrayContaining(['a', 'B', 'c.d', 'e_f-g']))
  const [first, second] = keys
  expect((await broker.ask('list', path, { limit: 1 })).data).toEqual({ keys: [first] })
  expect((await broker.ask('list', path, { limit: 1, after: first! })).data).toEqual({ keys: [second] })
  expect(await broker.ask('list', path, { limit: 0 })).toMatchObject({ status: 400, error: 'limit: expected a number above 0' })
})

test('is gone with its deletion, and deleting it again says nothing', async () => {
  await broker.ask('write', `${path}/short-lived`, { policy: text })
  for (let i = 0; i < 2; i += 1) expect((await broker.ask('delete', `${path}/short-lived`)).status).toBe(204)
  for (const gone of [`${path}/short-lived`, `${path}/short-lived/generate`]) expect((await broker.ask('read', gone)).status).toBe(404)
})

test('a weak one is taken, with a word', async () => {
  const pin = 'length = 6 rule "charset" { charset = "0123456789" }'
  expect(await broker.ask('write', `${path}/pin`, { policy: pin })).toMatchObject({
    status: 200,
    warnings: ['its passwords have about 19 bits: fewer than 64 can be guessed']
  })
})

test.each([
  ['x', {}, 'missing policy'],
  ['x', { policy: '' }, 'missing policy'],
  ['x', { policy: 'canary-secret' }, 'invalid password policy: line 1: unexpected end'],
  ['x', { policy: 'length = 3 rule "charset" { charset = "abc" }' }, 'passwords must be between 4 and 100 characters'],
  [
    'x',
    { policy: 'length = 4 rule "charset" { charset = "a" min-chars = 5 }' },
    'unable to construct test password from provided policy: are the rules impossible? they ask for 5 characters of 4'
  ],
  ['-x', { policy: text }, 'name: letters, digits, "_", "-" and "." only, at most 256, the last two not at the ends'],
  ['x'.repeat(257), { policy: text }, 'name: letters, digits, "_", "-" and "." only, at most 256, the last two not at the ends']
])('writing %s %j is refused: %s', async (name, data, error) => {
  expect(await broker.ask('write', `${path}/${name}`, data)).toMatchObject({ status: 400, error })
  expect((await broker.ask('read', `${path}/${name}`)).status).toBe(404)
})

test('who may read a policy may not write one, nor is it open to everybody', async () => {
  await broker.ask('write', 'sys/policies/acl/reader', { policy: `path "${path}/*" { capabilities = ["read"] }` })
  const token = await broker.token({ policies: ['reader'] })
  expect((await broker.ask('read', `${path}/letters/generate`, {}, { token })).status).toBe(200)
  expect((await broker.ask('write', `${path}/letters`, { policy: text }, { token })).status).toBe(403)
  expect((await broker.ask('list', path, {}, { token })).status).toBe(403)
  expect((await broker.ask('read', `${path}/letters/generate`, {}, { token: await broker.token({}) })).status).toBe(200)
})

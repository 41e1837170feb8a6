/** Kills the broker while it wraps and unwraps: nothing is opened twice, and what nobody opened is revoked. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { usersOf } from '../../plugins/memory/target.ts'
import { wrapPoints } from '../../src/broker/crash-point.ts'
import { Api } from './api.ts'
import { Child, freePort } from './child.ts'

// Each starts the program several times.
const timeout = 120_000

let folder: string
let config: string
let users: string
let api: Api

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-crash-wrapping-'))
  config = join(folder, 'mayfly.yaml')
  users = join(folder, 'users.db')
  const address = `127.0.0.1:${await freePort()}`
  api = new Api(`http://${address}`)
  await writeFile(
    config,
    `listener: { address: "${address}", tls: off }\nstorage: { sqlite: { path: ./data } }\nseal: { key_file: ./seal.key }\nlog_level: error\n`
  )
  await using broker = await started()
  api.token = (await api.must('PUT', 'sys/init', {})).root_token
  await api.must('POST', 'sys/mounts/users', { type: 'memory' })
  await api.must('POST', 'users/config', { path: users })
  // Longer than this suite: only what nobody unwraps ends within it.
  await api.must('POST', 'users/roles/app', { default_ttl: '1h', max_ttl: '1h' })
  await broker.stop()
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function started(point?: string): Promise<Child> {
  const broker = Child.start(config, point)
  await broker.serving(api.address)
  return broker
}

/** A wrapping token for a fresh credential; `undefined` when the broker died over it. */
async function wrapCredential(ttl: string): Promise<string | undefined> {
  const headers = { 'X-Vault-Token': api.token, 'X-Vault-Wrap-TTL': ttl }
  const body = await fetch(`${api.address}/v1/users/creds/app`, { headers }).then(
    response => response.json() as Promise<{ wrap_info?: { token: string } }>,
    () => undefined
  )
  return body?.wrap_info?.token
}

/** The name of the user inside; `dead` when it does not open any more, `undefined` when nobody answered. */
async function unwrap(token: string): Promise<string | undefined> {
  const answered = await new Api(api.address, token).ask('PUT', 'sys/wrapping/unwrap').catch(() => undefined)
  if (answered?.status === 400) return 'dead'
  return answered?.status === 200 ? (answered.body.data.username as string) : undefined
}

/** Until no user is left in the target but these. */
async function onlyLeft(names: readonly string[]): Promise<void> {
  await expect
    .poll(
      () =>
        usersOf(users)
          .map(({ name }) => name)
          .toSorted(),
      { timeout: 20_000, interval: 100 }
    )
    .toEqual([...names].toSorted())
}

async function forgetAll(): Promise<void> {
  await api.must('PUT', 'sys/leases/revoke-prefix/users', { sync: true })
  await onlyLeft([])
}

test.each(wrapPoints.filter(point => point.startsWith('wrap:')))(
  'a death at %s leaves nothing that nobody will revoke',
  { timeout },
  async point => {
    {
      await using broker = await started(point)
      expect(await wrapCredential('2s')).toBeUndefined()
      await broker.ended
      expect(broker.killed).toBe(true)
    }
    expect(usersOf(users)).toHaveLength(1)
    await using broker = await started()
    await onlyLeft([])
    await broker.stop()
  }
)

test.each([
  ['unwrap:before-commit', true],
  ['unwrap:after-commit', false]
] as const)('after a death at %s the token opens again: %s', { timeout }, async (point, again) => {
  let token: string | undefined
  {
    await using broker = await started(point)
    token = await wrapCredential('10m')
    expect(await unwrap(token!)).toBeUndefined()
    await broker.ended
    expect(broker.killed).toBe(true)
  }
  await using broker = await started()
  expect(await unwrap(token!)).toEqual(again ? expect.stringMatching(/^m-app-/) : 'dead')
  expect(await unwrap(token!)).toBe('dead')
  await forgetAll()
  await broker.stop()
})

test('across kills at any moment no token opens twice, and all that was never opened is revoked', { timeout }, async () => {
  const asked = new Map<string, (string | undefined)[]>()
  const left: string[] = []
  const openTwice = async (token: string) => {
    asked.set(token, [...(asked.get(token) ?? []), ...(await Promise.all([unwrap(token), unwrap(token)]))])
  }
  const client = async () => {
    for (let turn = 0; ; turn++) {
      const token = await wrapCredential('4s')
      if (token === undefined) return
      if (turn % 3 === 0) left.push(token)
      else await openTwice(token)
    }
  }
  for (const afterMs of [150, 300, 450, 700]) {
    await using broker = await started()
    const clients = [client(), client(), client()]
    await wait(afterMs)
    broker.kill()
    await Promise.all(clients)
  }
  await using broker = await started()
  const unanswered = [...asked].filter(([, answers]) => answers.includes(undefined)).map(([token]) => token)
  for (const token of unanswered) await openTwice(token)

  const names = [...asked.values()].map(answers => answers.filter(name => name !== undefined && name !== 'dead') as string[])
  expect(names.filter(({ length }) => length > 1)).toEqual([])
  const taken = names.flat()
  expect(Math.min(taken.length, left.length)).toBeGreaterThan(3)
  // An opening whose answer died with the broker has happened, and its lease runs on.
  const happened = unanswered.filter(token => !asked.get(token)!.some(name => taken.includes(name ?? ''))).length
  await expect.poll(() => usersOf(users).length, { timeout: 25_000, interval: 200 }).toBeLessThanOrEqual(taken.length + happened)
  expect(usersOf(users).map(({ name }) => name)).toEqual(expect.arrayContaining(taken))
  await forgetAll()
  await broker.stop()
})

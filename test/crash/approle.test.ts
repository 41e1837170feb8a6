/** A login dies: what it consumed and what it gave are one commit, so each secret id was used and gave its token, or neither. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loginPoints } from '../../src/broker/crash-point.ts'
import { Api } from './api.ts'
import { Child, freePort } from './child.ts'

// Each test starts a broker several times, and others may be at work on the machine.
const testMsMax = 120_000

let folder: string
let config: string
let api: Api
let running: AsyncDisposableStack

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-approle-crash-'))
  const port = await freePort()
  config = join(folder, 'mayfly.yaml')
  const settings = [
    `listener: { address: 127.0.0.1:${port}, tls: off }`,
    'storage: { sqlite: { path: ./data } }',
    'seal: { key_file: ./seal.key }',
    'log_level: error'
  ]
  await writeFile(config, settings.join('\n'))
  api = new Api(`http://127.0.0.1:${port}`)
  running = new AsyncDisposableStack()
})
afterEach(async () => {
  await running.disposeAsync()
  await rm(folder, { recursive: true, force: true })
})

async function start(point = 'none', pass = 1): Promise<Child> {
  const child = running.use(Child.start(config, point, pass))
  await child.serving(api.address)
  return child
}

/** A role and so many secret ids of one use each. */
async function prepare(count: number): Promise<{ readonly role_id: string; readonly secrets: readonly string[] }> {
  const child = await start()
  api.token = (await api.must('PUT', 'sys/init', {})).root_token
  await api.must('POST', 'sys/auth/approle', { type: 'approle', config: { user_lockout_config: { lockout_disable: true } } })
  await api.must('POST', 'auth/approle/role/shop', { token_policies: 'app', secret_id_num_uses: 1, token_ttl: '1h' })
  const { role_id } = (await api.must('GET', 'auth/approle/role/shop/role-id')).data
  const secrets: string[] = []
  for (let i = 0; i < count; i++) secrets.push((await api.must('POST', 'auth/approle/role/shop/secret-id', {})).data.secret_id)
  await child.stop()
  return { role_id, secrets }
}

/** The token, or nothing: refused, or the broker died first. */
async function login(role_id: string, secret_id: string): Promise<string | undefined> {
  const answer = await api.ask('POST', 'auth/approle/login', { role_id, secret_id }).catch(() => undefined)
  return answer?.status === 200 ? answer.body.auth.client_token : undefined
}

async function tokensOfLogins(): Promise<number> {
  const { keys } = (await api.must('LIST', 'auth/token/accessors')).data
  let logins = 0
  for (const accessor of keys) {
    const { data } = await api.must('POST', 'auth/token/lookup-accessor', { accessor })
    if (data.path === 'auth/approle/login') logins++
  }
  return logins
}

async function secretIdsLeft(): Promise<number> {
  const { status, body } = await api.ask('LIST', 'auth/approle/role/shop/secret-id')
  return status === 404 ? 0 : body.data.keys.length
}

test.each(loginPoints)(
  'killed at %s a secret id of one use is there without a token, or gone with one',
  async point => {
    const { role_id, secrets } = await prepare(1)
    const armed = await start(point)
    expect(await login(role_id, secrets[0]!)).toBeUndefined()
    await armed.ended
    expect(armed.killed).toBe(true)

    await start()
    const left = await secretIdsLeft()
    expect({ left, tokens: await tokensOfLogins() }).toEqual(
      point === 'login:before-commit' ? { left: 1, tokens: 0 } : { left: 0, tokens: 1 }
    )
    const again = await login(role_id, secrets[0]!)
    expect(again === undefined).toBe(left === 0)
  },
  testMsMax
)

test(
  'killed among many logins at once, no secret id gives two tokens, none is lost, and what was answered lives',
  async () => {
    const { role_id, secrets } = await prepare(24)
    const given: string[] = []
    for (const pass of [3, 11]) {
      const armed = await start('audit:after-row-commit', pass)
      // Each by two at once, and those of before once more.
      const answers = await Promise.all([...secrets, ...secrets].map(secret => login(role_id, secret)))
      given.push(...answers.filter(token => token !== undefined))
      if (armed.running) await armed.stop()
      await armed.ended
    }
    await start()
    const left = await secretIdsLeft()
    expect((await tokensOfLogins()) + left).toBe(secrets.length)
    for (const token of given) expect((await new Api(api.address, token).ask('GET', 'auth/token/lookup-self')).status).toBe(200)
    const last = await Promise.all(secrets.map(secret => login(role_id, secret)))
    expect(last.filter(token => token !== undefined)).toHaveLength(left)
  },
  testMsMax
)

test(
  'a method that was being disabled when the broker died is gone after the next start, and its tokens are from the first commit on',
  async () => {
    const { role_id, secrets } = await prepare(3)
    const armed = await start('cascade:after-each-batch')
    const tokens = await Promise.all(secrets.map(secret => login(role_id, secret)))
    await api.ask('DELETE', 'sys/auth/approle').catch(() => undefined)
    await armed.ended
    expect(armed.killed).toBe(true)

    await start()
    for (const token of tokens) expect((await new Api(api.address, token).ask('GET', 'auth/token/lookup-self')).status).toBe(403)
    await expect.poll(async () => (await api.ask('GET', 'sys/auth/approle')).status, { timeout: 25_000, interval: 200 }).toBe(400)
    expect(await tokensOfLogins()).toBe(0)
  },
  testMsMax
)

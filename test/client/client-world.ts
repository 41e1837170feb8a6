/** A broker over HTTP whose clock a test winds, together with the client's: nothing here waits for time to pass. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as breathe } from 'node:timers/promises'
import { usersOf } from '../../plugins/memory/target.ts'
import { Mayfly, token } from '../../src/client/index.ts'
import type { Login, MayflyOptions, Timing } from '../../src/client/index.ts'
import { parseConfig } from '../../src/config.ts'
import { serve } from '../../src/serve.ts'
import { Api } from '../crash/api.ts'
import { TestClock } from '../sim/test-clock.ts'

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }

export interface ClientWorld extends AsyncDisposable {
  readonly api: Api
  readonly clock: TestClock
  /** Names that may log in at the target. */
  users(): readonly string[]
  /** What the clients asked for, as `PUT sys/leases/renew`. */
  readonly asked: string[]
  /** Nobody answers while it is true. */
  away: boolean
  /** Credentials arrive when this resolves. */
  held: Promise<void>
  /** A client of the world. Disposed by the world, if not before. */
  client(options?: Partial<MayflyOptions>): Mayfly
  /** Logs in anew each time, as an application does: tokens that live for `ttl`. */
  login(ttl: string): Login
  /** Lets time pass, second by second, each request answered before the next. */
  wind(seconds: number): Promise<void>
  seal(): Promise<void>
  unseal(): Promise<void>
}

export async function clientWorld(role: Readonly<Record<string, string>> = { default_ttl: '60s', max_ttl: '180s' }): Promise<ClientWorld> {
  await using stack = new AsyncDisposableStack()
  const clock = new TestClock()
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-client-'))
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  const config = parseConfig(JSON.stringify({ listener: { address: '127.0.0.1:0', tls: 'off' }, storage: { memory: {} } }), folder)
  const running = stack.use(await serve(config, { log: quiet, folder, clock }))
  const api = new Api(`http://127.0.0.1:${running.listener.port}`)
  const { keys, root_token } = await api.must('PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 })
  api.token = root_token
  const unseal = () => api.must('PUT', 'sys/unseal', { key: keys[0] })
  await unseal()
  const target = join(folder, 'users.db')
  await prepare(api, target, role)

  const clients: Mayfly[] = []
  let [open, away] = [0, false]
  let held = Promise.resolve()
  stack.defer(async () => {
    away = false
    await Promise.all(clients.map(client => client[Symbol.asyncDispose]()))
  })
  const asked: string[] = []
  const counted: typeof fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    asked.push(`${init?.method} ${url.pathname.replace('/v1/', '')}`)
    open += 1
    // A port at which nobody listens.
    if (away) url.port = '9'
    try {
      const reply = await fetch(url, init)
      if (url.pathname.includes('/creds/')) await held
      return reply
    } finally {
      open -= 1
    }
  }
  const settled = async () => {
    for (let calm = 0; calm < 3; calm = open === 0 ? calm + 1 : 0) await breathe(1)
  }
  const owned = stack.move()
  return {
    api,
    clock,
    asked,
    users: () => usersOf(target).map(({ name }) => name),
    get away() {
      return away
    },
    set away(value) {
      away = value
    },
    get held() {
      return held
    },
    set held(value) {
      held = value
    },
    client(options = {}) {
      const client = new Mayfly({ address: api.address, login: token(root_token), timing: timingOf(clock), fetch: counted, ...options })
      clients.push(client)
      return client
    },
    login: ttl => ({
      async logIn() {
        const { auth } = await api.must('POST', 'auth/token/create', { policies: ['app'], ttl, explicit_max_ttl: ttl })
        return { token: auth.client_token, seconds: auth.lease_duration, renewable: auth.renewable, own: true }
      }
    }),
    async wind(seconds) {
      for (let second = 0; second < seconds; second++) {
        await clock.advance(1_000)
        await settled()
      }
    },
    seal: () => api.must('PUT', 'sys/seal'),
    unseal,
    [Symbol.asyncDispose]: () => owned.disposeAsync()
  }
}

async function prepare(api: Api, target: string, role: Readonly<Record<string, string>>): Promise<void> {
  await api.must('POST', 'sys/mounts/users', { type: 'memory' })
  await api.must('POST', 'users/config', { path: target })
  await api.must('POST', 'users/roles/app', role)
  await api.must('PUT', 'sys/policies/acl/app', { policy: 'path "users/creds/app" { capabilities = ["read"] }' })
}

function timingOf(clock: TestClock): Timing {
  return {
    wall: () => clock.now().epochMilliseconds,
    steady: () => clock.elapsed(),
    sleep: (milliseconds, signal) => clock.sleep(milliseconds, signal).catch(() => undefined),
    random: () => 0.5
  }
}

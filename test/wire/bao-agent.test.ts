/** `bao agent`, unchanged: it logs in, renders a credential into a file, renews it for as long as it runs, and caches what passes through it. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../crash/child.ts'
import { bao, missing, pythonMissing } from '../targets/missing.ts'
import { postgresMissing } from '../targets/postgres-binaries.ts'
import { creation, openStand } from './client-stand.ts'
import type { ClientStand, Login } from './client-stand.ts'

// Renewed after two thirds: the rest is room for a machine that is busy.
const leaseSeconds = 9

describe.skipIf(missing(postgresMissing() ?? pythonMissing()))('bao agent', () => {
  let stand: ClientStand
  let agent: Agent
  let token: string
  beforeAll(async () => {
    stand = await openStand()
    const { broker } = stand
    await broker.ask('POST', 'sys/mounts/ag', { type: 'database' })
    await broker.ask('POST', 'ag/config/app', stand.connection)
    await broker.ask('POST', 'ag/roles/app', { db_name: 'app', creation_statements: creation, default_ttl: leaseSeconds, max_ttl: '1h' })
    await broker.ask('PUT', 'sys/policies/acl/agent', { policy: 'path "ag/creds/app" { capabilities = ["read"] }' })
    token = (await broker.ask('POST', 'auth/token/create-orphan', { policies: ['agent'], ttl: '1h' })).json['auth'].client_token
    agent = await startAgent(stand, token)
  })
  afterAll(async () => {
    await agent?.[Symbol.asyncDispose]()
    await stand[Symbol.asyncDispose]()
  })

  test('keeps a rendered credential alive beyond its first end, by renewals', async () => {
    const login = await agent.rendered()
    expect(await stand.mayLogIn(login)).toBe(true)
    const lease = () => leaseOf(stand, login)
    const firstEnd = Date.parse((await lease()).issue_time) + leaseSeconds * 1_000
    await expect.poll(async () => Date.parse((await lease()).last_renewal), { timeout: 30_000 }).toBeGreaterThan(firstEnd)
    expect(await agent.rendered()).toEqual(login)
    expect(await stand.mayLogIn(login)).toBe(true)
  })

  test('caches a credential until its lease is revoked through it', async () => {
    const [one, two] = [await agent.ask('GET', 'ag/creds/app'), await agent.ask('GET', 'ag/creds/app')]
    expect([one.cache, two.cache, two.body.lease_id]).toEqual(['MISS', 'HIT', one.body.lease_id])
    expect((await agent.ask('PUT', 'sys/leases/revoke', { lease_id: one.body.lease_id })).status).toBe(204)
    expect(await stand.mayLogIn(one.body.data)).toBe(false)
    // It forgets what was revoked a moment after it has said so.
    let three = two
    await expect.poll(async () => (three = await agent.ask('GET', 'ag/creds/app')).cache).toBe('MISS')
    expect(three.body.lease_id).not.toBe(one.body.lease_id)
    expect(await stand.mayLogIn(three.body.data)).toBe(true)
  })

  test('what it holds ends with its token, however often it tries to renew', async () => {
    const login = await agent.rendered()
    await stand.broker.ask('POST', 'auth/token/revoke', { token })
    await expect.poll(() => stand.mayLogIn(login)).toBe(false)
  })
})

async function leaseOf({ broker }: ClientStand, { username }: Login): Promise<any> {
  const { holdings } = (await broker.ask('GET', 'sys/holdings')).json['data']
  return holdings.find((holding: { readonly visible: { readonly username: string } }) => holding.visible.username === username)
}

interface Agent extends AsyncDisposable {
  /** What stands in its file, once it is there. */
  rendered(): Promise<Login>
  ask(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly cache: string | null; readonly body: any }>
}

async function startAgent({ broker, home }: ClientStand, token: string): Promise<Agent> {
  const port = await freePort()
  const [tokenFile, file, config] = ['agent-token', 'rendered.json', 'agent.hcl'].map(name => join(home, name)) as [string, string, string]
  writeFileSync(tokenFile, token)
  writeFileSync(config, agentConfig(broker.address, port, tokenFile, file))
  const child = spawn(bao, ['agent', `-config=${config}`], { env: { HOME: home, PATH: process.env['PATH'] }, stdio: 'ignore' })
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  return {
    async rendered() {
      await expect.poll(() => existsSync(file)).toBe(true)
      return JSON.parse(readFileSync(file, 'utf8')) as Login
    },
    async ask(method, path, body) {
      const reply = await fetch(`http://127.0.0.1:${port}/v1/${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) })
      })
      const text = await reply.text()
      return { status: reply.status, cache: reply.headers.get('x-cache'), body: text === '' ? undefined : JSON.parse(text) }
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    }
  }
}

function agentConfig(address: string, port: number, tokenFile: string, file: string): string {
  return `
    vault { address = "${address}" }
    auto_auth {
      method "token_file" { config = { token_file_path = "${tokenFile}" } }
    }
    cache { use_auto_auth_token = true }
    listener "tcp" {
      address = "127.0.0.1:${port}"
      tls_disable = true
    }
    template {
      contents = "{{ with secret \\"ag/creds/app\\" }}{{ .Data | toJSON }}{{ end }}"
      destination = "${file}"
    }`
}

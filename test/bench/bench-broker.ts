import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as wait } from 'node:timers/promises'
import { Api } from '../crash/api.ts'
import { freePort } from '../crash/child.ts'
import type { TestPostgres } from '../targets/embedded-postgres.ts'

const script = join(import.meta.dirname, '..', 'crash', 'broker.ts')

/** As many as the goals are stated for. */
export const poolSize = 16

/** A broker with a folder of its own, which can be started again. */
export class BenchBroker implements AsyncDisposable {
  readonly folder: string
  readonly port: number
  readonly api: Api
  readonly #profile: string | undefined
  #process: ChildProcess | undefined
  #output = ''

  private constructor(folder: string, port: number, profile: string | undefined) {
    this.folder = folder
    this.port = port
    this.api = new Api(`http://127.0.0.1:${port}`)
    this.#profile = profile
  }

  /** Initialised and serving. `profile`: where `node --cpu-prof` leaves what it saw. */
  static async start(profile?: string): Promise<BenchBroker> {
    const folder = await mkdtemp(join(tmpdir(), 'mayfly-bench-'))
    const port = await freePort()
    const broker = new BenchBroker(folder, port, profile)
    await writeFile(
      broker.#config,
      [
        `listener: { address: 127.0.0.1:${port}, tls: off }`,
        'storage: { sqlite: { path: ./data } }',
        'seal: { key_file: ./seal.key }',
        'audit: [{ type: file, path: ./audit.jsonl }]',
        'log_level: error',
        ''
      ].join('\n')
    )
    await broker.start()
    broker.api.token = (await broker.api.must('PUT', 'sys/init', {})).root_token
    return broker
  }

  get pid(): number {
    const child = this.#process
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the broker has ended (${child?.exitCode ?? child?.signalCode}):\n${this.#output}`)
    return child.pid
  }

  get data(): string {
    return join(this.folder, 'data')
  }

  get #config(): string {
    return join(this.folder, 'mayfly.yaml')
  }

  /** Milliseconds from the start of the process until it answers as unsealed (or not yet initialised). */
  async start(): Promise<number> {
    const flags = this.#profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${this.#profile}`]
    const startedAt = performance.now()
    const child = spawn(process.execPath, [...flags, script, this.#config], { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#process = child
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => (this.#output = (this.#output + data.toString()).slice(-20_000)))
    while (child.exitCode === null) {
      const { status } = await this.api.ask('GET', 'sys/health').catch(() => ({ status: 0 }))
      if (status === 200 || status === 501) return performance.now() - startedAt
      await wait(5)
    }
    throw new Error(`the broker ended before it served:\n${this.#output}`)
  }

  async stop(): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGTERM')
    await ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    await rm(this.folder, { recursive: true, force: true })
  }

  /** `database/` over the test server, with a role that makes members of a group. */
  async useDatabase({ host, port, admin }: TestPostgres): Promise<void> {
    await this.api.must('POST', 'sys/mounts/database', { type: 'database' })
    await this.api.must('POST', 'database/config/app', {
      plugin_name: 'postgresql-database-plugin',
      allowed_roles: '*',
      connection_url: `postgresql://{{username}}:{{password}}@${host}:${port}/app?sslmode=disable`,
      username: admin.user,
      password: admin.password,
      max_open_connections: poolSize
    })
    await this.api.must('POST', 'database/roles/app', { db_name: 'app', member_of: ['app_ro'], default_ttl: '10h' })
  }

  /** `users/` over the smallest true backend. */
  async useMemory(): Promise<void> {
    await this.api.must('POST', 'sys/mounts/users', { type: 'memory' })
    await this.api.must('POST', 'users/config', { path: join(this.folder, 'users.db') })
    await this.api.must('POST', 'users/roles/app', { default_ttl: '10h' })
  }

  /** An application's token: it may do what the benches ask for, and no more. */
  async applicationToken(): Promise<string> {
    await this.api.must('PUT', 'sys/policy/bench', {
      policy:
        'path "database/creds/*" { capabilities = ["read"] }\npath "users/creds/*" { capabilities = ["read"] }\npath "auth/token/create" { capabilities = ["update"] }'
    })
    return (await this.api.must('POST', 'auth/token/create', { policies: ['bench', 'default'], ttl: '24h' })).auth.client_token
  }
}

/** A request as bytes, as an ordinary client writes it. */
export function requestText(port: number, token: string, method: 'GET' | 'POST', path: string, body?: unknown): string {
  const text = body === undefined ? '' : JSON.stringify(body)
  const head = [
    `${method} /v1/${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    `X-Vault-Token: ${token}`,
    'X-Vault-Request: true',
    'User-Agent: bench',
    ...(body === undefined ? [] : ['Content-Type: application/json', `Content-Length: ${text.length}`])
  ]
  return `${head.join('\r\n')}\r\n\r\n${text}`
}

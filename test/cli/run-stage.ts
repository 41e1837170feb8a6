/** A real PostgreSQL, a real broker in a process of its own, and `mayfly` as a process that can be killed. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import process from 'node:process'
import { Api } from '../crash/api.ts'
import { Child, freePort } from '../crash/child.ts'
import type { PostgresAccess } from '../targets/postgres-access.ts'
import { sharedPostgres } from '../targets/shared-postgres.ts'

export const main = join(import.meta.dirname, '../../src/main.ts')
export const bin = join(import.meta.dirname, '../../src/mayfly.js')

// Whatever is waited for is over in a fraction of this, or never.
const patienceMs = 20_000

export class RunStage implements AsyncDisposable {
  readonly folder: string
  readonly postgres: PostgresAccess
  readonly database: string
  readonly api: Api
  /** What leads `mayfly` to the broker. */
  readonly env: Record<string, string>
  readonly #owned: AsyncDisposableStack
  readonly #config: string
  #broker: Child

  private constructor(given: {
    folder: string
    postgres: PostgresAccess
    database: string
    api: Api
    config: string
    broker: Child
    owned: AsyncDisposableStack
  }) {
    this.folder = given.folder
    this.postgres = given.postgres
    this.database = given.database
    this.api = given.api
    this.#config = given.config
    this.#broker = given.broker
    this.#owned = given.owned
    this.env = { PATH: process.env['PATH'] ?? '', HOME: given.folder, MAYFLY_ADDR: given.api.address, MAYFLY_TOKEN: given.api.token }
  }

  static async start(): Promise<RunStage> {
    await using owned = new AsyncDisposableStack()
    const folder = mkdtempSync(join(tmpdir(), 'mayfly-run-'))
    owned.defer(() => rmSync(folder, { recursive: true, force: true }))
    const postgres = owned.use(await sharedPostgres())
    const { name: database } = owned.use(await postgres.newDatabase())
    const config = join(folder, 'mayfly.yaml')
    const address = `127.0.0.1:${await freePort()}`
    writeFileSync(
      config,
      `listener: { address: '${address}', tls: off }\nstorage: { sqlite: { path: ./data } }\nseal: { key_file: ./seal.key }\nlog_level: error\n`
    )
    const api = new Api(`http://${address}`)
    const broker = Child.start(config)
    await broker.serving(api.address)
    api.token = (await api.must('PUT', 'sys/init', {})).root_token
    const stage = new RunStage({ folder, postgres, database, api, config, broker, owned: owned.move() })
    await stage.#configure()
    return stage
  }

  async #configure(): Promise<void> {
    const { host, port, admin } = this.postgres
    await this.api.must('POST', 'sys/mounts/database', { type: 'database' })
    await this.api.must('POST', 'database/config/app', {
      plugin_name: 'postgresql-database-plugin',
      allowed_roles: '*',
      connection_url: `postgresql://{{username}}:{{password}}@${host}:${port}/${this.database}?sslmode=disable`,
      username: admin.user,
      password: admin.password
    })
  }

  /** A role whose users this suite tells from all others by its name. */
  async role(name: string, fields: Readonly<Record<string, string>>): Promise<void> {
    await this.api.must('POST', `database/roles/${name}`, { db_name: 'app', member_of: ['app_ro'], ...fields })
  }

  /** Users of a role that are there. */
  async users(role: string): Promise<readonly string[]> {
    const rows = await this.postgres.query('select rolname from pg_roles where rolname like $1 order by 1', [`v-%-${role}-%`])
    return rows.map(row => String(row['rolname']))
  }

  async stopBroker(): Promise<void> {
    await this.#broker.stop()
  }

  async startBroker(): Promise<void> {
    this.#broker = Child.start(this.#config)
    await this.#broker.serving(this.api.address)
  }

  /** As typed behind `mayfly`, where no terminal is. */
  mayfly(args: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
    return this.start(process.execPath, [main, ...args], env)
  }

  /** Any program, in a session of its own. */
  start(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
    return this.#owned.use(
      new Program(spawn(file, args, { env: { ...this.env, ...env }, detached: true, stdio: ['pipe', 'pipe', 'pipe'] }))
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#broker[Symbol.asyncDispose]()
    await this.#owned.disposeAsync()
  }
}

/** A process, what it has said, and how it ended. */
export class Program implements AsyncDisposable {
  readonly pid: number
  out = ''
  err = ''
  /** Its exit code, or the signal that ended it, when nobody speaks any more. */
  readonly ended: Promise<number | NodeJS.Signals>
  /** Whoever it has started may go on, and speak. */
  readonly endedItself: Promise<number | NodeJS.Signals>
  readonly #process: ChildProcess

  constructor(child: ChildProcess) {
    this.#process = child
    this.pid = child.pid ?? 0
    child.stdout?.on('data', (data: Buffer) => (this.out += data.toString()))
    child.stderr?.on('data', (data: Buffer) => (this.err += data.toString()))
    this.endedItself = new Promise(resolve => child.once('exit', (code, signal) => resolve(code ?? signal ?? 0)))
    this.ended = new Promise(resolve => child.once('close', (code, signal) => resolve(code ?? signal ?? 0)))
  }

  /** Resolves with the match when it has said that. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    return until(
      () => `${String(pattern)} in:\n${this.out}${this.err}`,
      async () => pattern.exec(this.out + this.err) ?? undefined
    )
  }

  type(text: string): void {
    this.#process.stdin?.write(text)
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    try {
      process.kill(-this.pid, 'SIGKILL')
    } catch {
      this.#process.kill('SIGKILL')
    }
    await this.ended
  }
}

/** Looks until there is something to see; another process is at work there, in real time. */
export async function until<T>(what: () => string, look: () => Promise<T | undefined>): Promise<T> {
  for (let waited = 0; waited < patienceMs; waited += 20) {
    const seen = await look()
    if (seen !== undefined) return seen
    await wait(20)
  }
  throw new Error(`waited in vain for ${what()}`)
}

export const gone = (stage: RunStage, role: string) =>
  until(
    () => `no user of ${role}`,
    async () => ((await stage.users(role)).length === 0 ? true : undefined)
  )

/** Whether a process is there, a zombie not counted. */
export async function ends(pid: number): Promise<true> {
  return until(
    () => `the end of ${pid}`,
    async () => {
      try {
        process.kill(pid, 0)
        return process.platform === 'linux' && readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ') ? true : undefined
      } catch {
        return true
      }
    }
  )
}

/** A broker in a process of its own, a real PostgreSQL behind a faulty network, folders that can be filled: where faults happen. */
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { openLines, verifyTrail } from '../../src/audit/verify.ts'
import { Api } from '../crash/api.ts'
import { Child, freePort } from '../crash/child.ts'
import { FaultProxy } from '../targets/fault-proxy.ts'
import type { PostgresAccess } from '../targets/postgres-access.ts'
import { must } from './scenario.ts'

export interface Credential {
  readonly lease: string
  readonly user: string
  readonly password: string
  /** On this test's own clock, which no fault touches: milliseconds. */
  readonly endsAtMs: number
}

export interface WorldOptions {
  readonly postgres: PostgresAccess
  /** A file system of this size below the store's folder, or below the audit's. */
  readonly storeMegabytes?: number | undefined
  readonly auditMegabytes?: number | undefined
}

// Promise P2: access is over by expiry + 10 s while the target answers.
export const latenessMsMax = 10_000

export class FaultWorld implements AsyncDisposable {
  readonly folder: string
  readonly api: Api
  readonly postgres: PostgresAccess
  readonly proxy: FaultProxy
  readonly #mounted: readonly string[]
  broker: Child

  private constructor(
    folder: string,
    port: number,
    postgres: PostgresAccess,
    proxy: FaultProxy,
    mounted: readonly string[],
    broker: Child
  ) {
    this.folder = folder
    this.api = new Api(`http://127.0.0.1:${port}`)
    this.postgres = postgres
    this.proxy = proxy
    this.#mounted = mounted
    this.broker = broker
  }

  static async start({ postgres, storeMegabytes, auditMegabytes }: WorldOptions): Promise<FaultWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'mayfly-faults-'))
    const port = await freePort()
    const mounted = [smallDisk(join(folder, 'data'), storeMegabytes), smallDisk(join(folder, 'audit'), auditMegabytes)].flat()
    await mkdir(join(folder, 'audit'), { recursive: true })
    await writeFile(
      join(folder, 'mayfly.yaml'),
      [
        `listener: { address: 127.0.0.1:${port}, tls: off }`,
        'storage: { sqlite: { path: ./data } }',
        'seal: { key_file: ./seal.key }',
        'audit: [{ type: file, path: ./audit/audit.jsonl }]',
        'log_level: warn',
        ''
      ].join('\n')
    )
    const world = new FaultWorld(
      folder,
      port,
      postgres,
      await FaultProxy.start(postgres),
      mounted,
      Child.start(join(folder, 'mayfly.yaml'))
    )
    try {
      await world.#begin()
      return world
    } catch (error) {
      // Else its process and its small disk would stay.
      await world[Symbol.asyncDispose]()
      throw error
    }
  }

  async #begin(): Promise<void> {
    await this.broker.serving(this.api.address)
    this.api.token = (await this.api.must('PUT', 'sys/init', {})).root_token
    await this.useDatabase('database', this.postgres.port)
  }

  get config(): string {
    return join(this.folder, 'mayfly.yaml')
  }

  get data(): string {
    return join(this.folder, 'data')
  }

  get auditFile(): string {
    return join(this.folder, 'audit', 'audit.jsonl')
  }

  /** A mount of its own, with a role for each of these lives in seconds. */
  async useDatabase(mount: string, port: number): Promise<void> {
    const { admin } = this.postgres
    await this.api.must('POST', `sys/mounts/${mount}`, { type: 'database' })
    await this.api.must('POST', `${mount}/config/app`, {
      plugin_name: 'postgresql-database-plugin',
      allowed_roles: '*',
      connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${port}/app?sslmode=disable`,
      username: admin.user,
      password: admin.password,
      max_open_connections: 8
    })
    for (const seconds of [5, 8, 20, 600])
      await this.api.must('POST', `${mount}/roles/live-${seconds}`, {
        db_name: 'app',
        member_of: ['app_ro'],
        default_ttl: seconds,
        max_ttl: '1h'
      })
  }

  async issue(seconds: 5 | 8 | 20 | 600, mount = 'database'): Promise<Credential> {
    const body = await this.api.must('GET', `${mount}/creds/live-${seconds}`)
    return {
      lease: body.lease_id,
      user: body.data.username,
      password: body.data.password,
      endsAtMs: performance.now() + seconds * 1_000
    }
  }

  async issueMany(count: number, seconds: 5 | 8 | 20 | 600, mount = 'database'): Promise<readonly Credential[]> {
    return Promise.all(Array.from({ length: count }, () => this.issue(seconds, mount)))
  }

  /** Status of an attempt to issue. */
  async tries(): Promise<number> {
    return (await this.api.ask('GET', 'database/creds/live-5')).status
  }

  async logsIn({ user, password }: Credential): Promise<boolean> {
    return this.postgres.connect({ user, password }).then(
      async client => {
        await client.end()
        return true
      },
      () => false
    )
  }

  /** Until none of these users is in the target any more. The greatest lateness in milliseconds, counted from each one's end or from `from`. */
  async untilGone(credentials: readonly Credential[], { limitMs, from = 0 }: { limitMs: number; from?: number }): Promise<number> {
    const left = new Map(credentials.map(credential => [credential.user, Math.max(credential.endsAtMs, from)]))
    let latest = 0
    for (;;) {
      const rows = await this.postgres.query('select rolname from pg_roles where rolname = any($1)', [[...left.keys()]])
      const there = new Set(rows.map(row => String(row['rolname'])))
      const now = performance.now()
      for (const [user, dueMs] of left) {
        if (there.has(user)) must(now - dueMs < limitMs, `a user is still there ${Math.round((now - dueMs) / 1_000)} s after its time`)
        else {
          latest = Math.max(latest, now - dueMs)
          left.delete(user)
        }
      }
      if (left.size === 0) return latest
      await wait(50)
    }
  }

  /** Starts the broker anew; below a tracer or a lying library where that is the fault. */
  async restart(before: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.broker.stop()
    await this.startAgain(before, env)
  }

  async startAgain(before: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<void> {
    this.broker = Child.startUnder(before, env, this.config)
    await this.broker.serving(this.api.address)
  }

  /** Waits until it is so. */
  async until(what: string, limitMs: number, isSo: () => Promise<boolean>): Promise<number> {
    const startedAt = performance.now()
    while (!(await isSo())) {
      must(performance.now() - startedAt < limitMs, `${what}: not within ${limitMs / 1_000} s`)
      await wait(100)
    }
    return performance.now() - startedAt
  }

  /** No user of ours in the target but those of live leases, none lost, and a trail that holds. */
  async settle(): Promise<void> {
    await this.api.must('PUT', 'sys/leases/revoke-prefix/database', { sync: true })
    await this.until('everything is revoked', 20_000, async () => (await this.holdings()).length === 0)
    const [row] = await this.postgres.query("select count(*)::int as count from pg_roles where rolname like 'v-%'")
    must(row?.['count'] === 0, `${String(row?.['count'])} users are left in the target without a lease`)
    const { data } = await this.api.must('GET', 'sys/audit/checkpoint-key')
    await this.broker.stop()
    const verdict = await verifyTrail(openLines(this.auditFile), { publicKey: String(data.public_key) })
    must(verdict.ok, `the audit trail does not hold: ${JSON.stringify(verdict.problem)}`)
  }

  async holdings(): Promise<readonly string[]> {
    const { data } = await this.api.must('GET', 'sys/holdings')
    return data.holdings.map((holding: { id: string }) => holding.id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker[Symbol.asyncDispose]()
    // What a broken promise left must not be found by the next scenario.
    for (const { rolname } of await this.postgres.query("select rolname from pg_roles where rolname like 'v-%'"))
      await this.postgres.query(`drop role "${String(rolname)}"`)
    await this.proxy[Symbol.asyncDispose]()
    for (const mounted of this.#mounted) execFileSync('umount', ['-l', mounted])
    await rm(this.folder, { recursive: true, force: true })
  }
}

function smallDisk(folder: string, megabytes: number | undefined): readonly string[] {
  if (megabytes === undefined) return []
  execFileSync('mkdir', ['-m', '0700', '-p', folder])
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0700`, 'tmpfs', folder])
  return [folder]
}

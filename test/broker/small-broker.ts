/** A whole broker in this process, on real parts: SQLite in memory, `plugins/memory` with its target in a file, a clock that the test winds. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { authMethods } from '../../src/auth/auth-methods.ts'
import { tokenPaths } from '../../src/auth/token/token-paths.ts'
import { nowhere } from '../../src/broker/crash-point.ts'
import type { At } from '../../src/broker/crash-point.ts'
import { cubbyholePaths } from '../../src/broker/wrapping/cubbyhole.ts'
import { Life } from '../../src/broker/life/life.ts'
import type { LifeParts } from '../../src/broker/life/life.ts'
import { perform } from '../../src/broker/door/perform.ts'
import type { Reply } from '../../src/broker/door/request.ts'
import { Secret } from '../../src/contracts/index.ts'
import type { BackendType, DatabaseDriver, JsonObject, Log, Random } from '../../src/contracts/index.ts'
import { DevSeal } from '../../src/dev-seal.ts'
import { sysPaths } from '../../src/http/sys/sys-paths.ts'
import { openMemory } from '../../src/store/sqlite/open.ts'
import type { Store } from '../../src/store/store.ts'
import { memory } from '../../plugins/memory/index.ts'
import { seededRandom } from '../sim/seeded-random.ts'
import { TestClock } from '../sim/test-clock.ts'

export interface SmallBroker extends AsyncDisposable {
  readonly clock: TestClock
  readonly life: Life
  readonly store: Store
  readonly root: string
  /** Brings it back after a seal, when its seal is Shamir's. */
  unseal(): Promise<void>
  readonly folder: string
  /** The file of users. */
  readonly target: string
  readonly log: readonly string[]
  ask(
    operation: 'read' | 'write' | 'delete' | 'list',
    path: string,
    data?: JsonObject,
    token?: string,
    wrapSeconds?: number
  ): Promise<Reply>
}

export interface SmallBrokerOptions {
  readonly clock?: TestClock
  readonly store?: Store
  /** The store was initialised by another broker: its root token. */
  readonly root?: string
  readonly at?: At
  readonly backends?: readonly BackendType[]
  readonly databaseDrivers?: readonly DatabaseDriver[]
  readonly random?: Random
  readonly seal?: 'shamir'
  readonly targetEndpoints?: readonly string[]
  readonly sinks?: LifeParts['sinks']
}

const settings = {
  defaultTtl: 2_764_800,
  maxTtl: 2_764_800,
  credentialTtl: 3_600,
  historyTtl: 2_592_000,
  auditKeep: 2_592_000,
  observeEvery: 900,
  targetTls: 'any',
  auditDirectory: undefined,
  version: '0.0.0-test'
} as const

export async function smallBroker(options: SmallBrokerOptions = {}): Promise<SmallBroker> {
  const clock = options.clock ?? new TestClock()
  const store = options.store ?? (await openMemory())
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-small-'))
  const target = join(folder, 'users.db')
  const log: string[] = []
  const life = await Life.begin({
    settings: { ...settings, ...(options.targetEndpoints && { targetEndpoints: options.targetEndpoints }) },
    clock,
    random: options.random ?? seededRandom(folder),
    log: collectingLog(log),
    store,
    seal: options.seal ?? new DevSeal(),
    catalog: {
      backends: new Map([memory, ...(options.backends ?? [])].map(backend => [backend.type, backend])),
      databaseDrivers: options.databaseDrivers ?? [],
      authMethods
    },
    core: { 'sys/': sysPaths, 'auth/token/': tokenPaths, 'cubbyhole/': cubbyholePaths },
    sinks: options.sinks ?? (async () => []),
    openSink: () => Promise.reject(new Error('no audit devices here')),
    at: options.at ?? nowhere
  })
  const from = { requestId: 'test', remoteAddress: '127.0.0.1', remotePort: 1 }
  const initialised =
    options.root === undefined
      ? await life.initialise(options.seal ? { secret_shares: 1, secret_threshold: 1 } : {}, from)
      : { root_token: options.root, keys: [] }
  const root = initialised['root_token'] as string
  const [key = ''] = initialised['keys'] as readonly string[]
  const unseal = async () => void (await life.unseal({ key }, from))
  if (options.seal) await unseal()
  const broker: SmallBroker = {
    clock,
    life,
    store,
    root,
    unseal,
    folder,
    target,
    log,
    ask(operation, path, data = {}, token = root, wrapSeconds = 0) {
      const parts = life.parts()
      if (!parts) throw new Error('sealed')
      const request = {
        id: crypto.randomUUID(),
        operation,
        path,
        data,
        token: token === '' ? undefined : token,
        remoteAddress: '127.0.0.1',
        remotePort: 1,
        userAgent: undefined,
        wrapSeconds,
        gone: new AbortController().signal
      }
      return perform(parts, request)
    },
    async [Symbol.asyncDispose]() {
      await life[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    }
  }
  return broker
}

/** A mount of users in a file, and a role. */
export async function withUsers(
  broker: SmallBroker,
  role: JsonObject = { default_ttl: '1h', max_ttl: '4h' },
  mount = 'users'
): Promise<void> {
  await broker.ask('write', `sys/mounts/${mount}`, { type: 'memory' })
  await broker.ask('write', `${mount}/config`, { path: mount === 'users' ? broker.target : join(broker.folder, `${mount}.db`) })
  await broker.ask('write', `${mount}/roles/app`, role)
}

export interface Credential {
  readonly lease: string
  readonly username: string
  readonly password: string
}

export async function lease(broker: SmallBroker, token?: string, mount = 'users'): Promise<Credential> {
  const reply = await broker.ask('read', `${mount}/creds/app`, {}, token)
  const data = (reply.data instanceof Secret ? reply.data.reveal() : reply.data) as { username: string; password: string }
  return { lease: reply.lease!.id, username: data.username, password: data.password }
}

export function dataOf(reply: Reply): any {
  return reply.data instanceof Secret ? reply.data.reveal() : reply.data
}

function collectingLog(lines: string[]): Log {
  const add = (level: string) => (event: string, fields?: JsonObject, error?: unknown) =>
    void lines.push(`${level} ${event} ${JSON.stringify(fields ?? {})} ${error instanceof Error ? error.stack : ''}`)
  return { info: add('info'), warn: add('warn'), error: add('error') }
}

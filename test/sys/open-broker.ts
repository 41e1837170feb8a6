import { authMethods } from '../../src/auth/auth-methods.ts'
import { tokenPaths } from '../../src/auth/token/token-paths.ts'
import { nowhere } from '../../src/broker/crash-point.ts'
import { Life } from '../../src/broker/life/life.ts'
import type { Parts } from '../../src/broker/parts.ts'
import { perform } from '../../src/broker/door/perform.ts'
import type { Auth, Reply, WireRequest } from '../../src/broker/door/request.ts'
import type { Settings } from '../../src/broker/settings.ts'
import { openFileSink } from '../../src/audit/file-sink.ts'
import { BrokerError, errorStatus, Secret } from '../../src/contracts/index.ts'
import type { Json, JsonObject } from '../../src/contracts/index.ts'
import { DevSeal } from '../../src/dev-seal.ts'
import { sysPaths } from '../../src/http/sys/sys-paths.ts'
import { openMemory } from '../../src/store/sqlite/open.ts'
import { memory } from '../../plugins/memory/index.ts'
import { seededRandom } from '../sim/seeded-random.ts'
import { TestClock } from '../sim/test-clock.ts'

export interface Answer {
  readonly status: number
  readonly data: JsonObject | undefined
  readonly auth: Auth | undefined
  readonly lease: Reply['lease']
  readonly warnings: readonly string[]
  readonly error: string | undefined
}

/** A whole broker behind its one door, with a store in memory and a clock that the test winds. Only the bytes of HTTP are missing. */
export interface TestBroker extends AsyncDisposable {
  readonly root: string
  readonly clock: TestClock
  readonly parts: Parts
  ask(operation: WireRequest['operation'], path: string, data?: JsonObject, from?: Caller): Promise<Answer>
  /** A new token's text. */
  token(fields: JsonObject, from?: Caller): Promise<string>
}

interface Caller {
  /** `null`: none. Absent: the root token. */
  readonly token?: string | null
  readonly address?: string
}

const day = 86_400

const settings: Settings = {
  defaultTtl: 32 * day,
  maxTtl: 32 * day,
  credentialTtl: 3_600,
  historyTtl: 30 * day,
  auditKeep: 30 * day,
  observeEvery: 900,
  targetTls: 'any',
  auditDirectory: undefined,
  version: '0.1.0'
}

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }

export async function openBroker(changes: Partial<Settings> = {}): Promise<TestBroker> {
  await using stack = new AsyncDisposableStack()
  const clock = new TestClock()
  const store = stack.use(await openMemory())
  const life = stack.use(
    await Life.begin({
      settings: { ...settings, ...changes },
      clock,
      random: seededRandom('sys'),
      log: silent,
      store,
      seal: new DevSeal(),
      catalog: { backends: new Map([['memory', memory]]), databaseDrivers: [], authMethods },
      core: { 'sys/': sysPaths, 'auth/token/': tokenPaths },
      sinks: async () => [],
      openSink: path => openFileSink({ path, node: store.node.id }),
      at: nowhere
    })
  )
  const { root_token: root } = await life.initialise({}, { requestId: 'init', remoteAddress: '127.0.0.1', remotePort: 1 })
  const parts = life.parts()!
  const owned = stack.move()
  let count = 0
  const ask: TestBroker['ask'] = async (operation, path, data = {}, { token = text(root), address = '127.0.0.1' } = {}) => {
    const request: WireRequest = {
      id: `00000000-0000-4000-8000-${String(++count).padStart(12, '0')}`,
      operation,
      path,
      data,
      token: token ?? undefined,
      remoteAddress: address,
      remotePort: 40_000,
      userAgent: undefined,
      gone: new AbortController().signal
    }
    return answerOf(perform(parts, request))
  }
  return {
    root: text(root),
    clock,
    parts,
    ask,
    async token(fields, from) {
      const { auth, error } = await ask('write', 'auth/token/create', fields, from)
      if (!auth) throw new Error(error)
      return auth.client_token
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync()
  }
}

/** A value that must be text. */
export function text(value: Json | undefined): string {
  if (typeof value !== 'string') throw new Error('expected text')
  return value
}

async function answerOf(performed: Promise<Reply>): Promise<Answer> {
  try {
    const { status, data, auth, lease, warnings = [] } = await performed
    return { status, data: data instanceof Secret ? data.reveal() : data, auth: auth?.reveal(), lease, warnings, error: undefined }
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    return { status: errorStatus[error.code], data: undefined, auth: undefined, lease: undefined, warnings: [], error: error.message }
  }
}

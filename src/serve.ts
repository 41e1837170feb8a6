/** Builds a broker from its configuration: config -> parts -> listener. Everything that has a lifetime is disposed in reverse order. */
import { join } from 'node:path'
import { unchain } from './audit/chain.ts'
import { openFileSink } from './audit/file-sink.ts'
import { openStdoutSink } from './audit/stdout-sink.ts'
import { authMethods } from './auth/auth-methods.ts'
import { tokenPaths } from './auth/token/token-paths.ts'
import { Background } from './broker/life/background.ts'
import { nowhere } from './broker/crash-point.ts'
import type { At } from './broker/crash-point.ts'
import { cubbyholePaths } from './broker/wrapping/cubbyhole.ts'
import { Life } from './broker/life/life.ts'
import type { Config } from './config.ts'
import type { AuditSink, AutoSeal, Clock, Log, Random } from './contracts/index.ts'
import { listen } from './http/listener.ts'
import type { Listener } from './http/listener.ts'
import type { Pems } from './http/tls-options.ts'
import { openToAnybody } from './http/sys/metrics-paths.ts'
import { sysPaths } from './http/sys/sys-paths.ts'
import { loadPlugins } from './load-plugins.ts'
import { KeyFileSeal } from './seal/key-file-seal.ts'
import { lockFileOf } from './store/sqlite/folder/folder.ts'
import { lockHolder } from './store/sqlite/folder/lock-holder.ts'
import { openMemory, openSqlite } from './store/sqlite/open.ts'
import type { SqliteOptions } from './store/sqlite/open.ts'
import type { Store } from './store/store.ts'
import { systemClock, systemRandom } from './system-clock.ts'
import { listenerTls } from './tls/listener-tls.ts'
import { version } from './version.ts'

export interface ServeParts {
  readonly log: Log
  /** Where package names of plugins are looked up. */
  readonly folder: string
  readonly clock?: Clock
  readonly random?: Random
  readonly at?: At
  /** In the place of the configured seal, in dev mode. */
  readonly seal?: AutoSeal
}

export interface Running extends AsyncDisposable {
  readonly life: Life
  readonly listener: Listener
  /** Rejects when the store can no longer be trusted (an fsync that failed): the process must end. */
  readonly fatal: Promise<never>
  /** SIGHUP: sinks and certificates anew. A certificate that cannot be read leaves the old one in use. */
  reopen(): Promise<void>
}

// Time for requests that are under way; the whole shutdown stays within 10 s.
const drainMs = 5_000
const renewTlsEveryMs = 3_600_000

// Longer than the whole shutdown of the one before, which a supervisor may not have waited for.
const ownerWaitMs = 12_000

export async function serve(config: Config, given: ServeParts): Promise<Running> {
  const parts = { clock: systemClock, random: systemRandom, at: nowhere, ...given }
  await using stack = new AsyncDisposableStack()
  const catalog = await loadPlugins(config.plugins, given.folder)
  const store = stack.use(config.storage === 'memory' ? await openMemory() : await openOwn(config.storage, given.log))
  // What the header of a new file follows.
  const hashOf = async (seq: number) => {
    const [row] = await store.auditLines(seq - 1, 1)
    return row?.seq === seq ? unchain(row.line)?.hash : undefined
  }
  const openFile = (path: string, checkpointKeyId: string, below?: string) =>
    openFileSink({ path, node: store.node.id, hashOf, checkpointKey: () => checkpointKeyId, ...(below === undefined ? {} : { below }) })
  const life = stack.use(
    await Life.begin({
      ...parts,
      settings: settingsOf(config),
      store,
      seal: given.seal ?? (config.seal.kind === 'shamir' ? 'shamir' : new KeyFileSeal(config.seal.path, parts.random)),
      catalog: { ...catalog, authMethods },
      core: { 'sys/': config.metricsOpen ? openToAnybody(sysPaths) : sysPaths, 'auth/token/': tokenPaths, 'cubbyhole/': cubbyholePaths },
      sinks: key =>
        openSinks(
          config,
          path => openFile(path, key),
          () => openStdoutSink({ hashOf, checkpointKey: () => key })
        ),
      openSink: (path, key) => openFile(path, key, config.auditDirectory)
    })
  )
  const { host, port } = config.listener
  const readTls = () => listenerTls(config, parts)
  const listener = await listen(life, { host, port, log: given.log, ...optional(readTls()) })
  stack.defer(() => listener.close(drainMs))
  const reloadTls = () => {
    const tls = readTls()
    if (tls) listener.reloadTls(tls)
  }
  if (config.listener.tls?.kind === 'auto')
    stack.use(new Background(parts.clock, parts.log)).loop('the certificate', renewTlsEveryMs, async () => reloadTls())
  const owned = stack.move()
  return {
    life,
    listener,
    fatal: store.fatal,
    async reopen() {
      await life.reopen()
      reloadTls()
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync()
  }
}

/** A restart finds the old run still ending: it is waited for, and said who it is. */
function openOwn(storage: SqliteOptions, log: Log): Promise<Store> {
  const pid = lockHolder(lockFileOf(storage.path))
  if (pid !== undefined)
    log.warn('another mayfly uses the data folder and may be ending: waiting for it', { pid, seconds: ownerWaitMs / 1_000 })
  return openSqlite({ ...storage, ownerWaitMs })
}

function settingsOf(config: Config) {
  const { defaultTtl, maxTtl, credentialTtl, historyTtl, auditKeep, observeEvery, targetTls, targetEndpoints, auditDirectory } = config
  return { defaultTtl, maxTtl, credentialTtl, historyTtl, auditKeep, observeEvery, targetTls, targetEndpoints, auditDirectory, version }
}

const optional = (tls: Pems | undefined) => (tls ? { tls } : {})

/** With none configured there is a file sink in the data folder; in memory there is none. */
async function openSinks(
  config: Config,
  openFile: (path: string) => Promise<AuditSink>,
  openStdout: () => Promise<AuditSink>
): Promise<readonly AuditSink[]> {
  const fallback = config.storage === 'memory' ? [] : [{ type: 'file', path: join(config.storage.path, 'audit.jsonl') } as const]
  const wanted = config.audit.length > 0 ? config.audit : fallback
  return Promise.all(wanted.map(sink => (sink.type === 'file' ? openFile(sink.path) : openStdout())))
}

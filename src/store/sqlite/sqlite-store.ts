import type { ChainHead } from '../../audit/chain.ts'
import { BrokerError } from '../../contracts/index.ts'
import type { LeaseId, TargetId } from '../../contracts/index.ts'
import type { Lease } from '../../lease/lease.ts'
import type { Change } from '../change.ts'
import type {
  Cascade,
  ChangeResult,
  DueWork,
  Entry,
  HoldingsFilter,
  LeaseAt,
  SealRecord,
  SealedTable,
  Store,
  StoreSnapshot,
  Target,
  WrappedRow
} from '../store.ts'
import { isCubbyhole } from '../token.ts'
import type { Token } from '../token.ts'
import type { ReadName, Reads } from './threads/answer-reads.ts'
import type { Lane } from './threads/lane.ts'
import { inspect } from './threads/inspect.ts'
import { Kept } from './kept.ts'
import { toLease } from './rows/lease-row.ts'
import { discardCopy, newCopyFile, readCopy } from './copies/snapshot.ts'
import { toToken } from './rows/token-row.ts'
import { rowName, touchedBy } from './touches.ts'
import type { Touched } from './touches.ts'
import { instant, instantOrNull, toWire } from './rows/wire.ts'
import { toCascade, toTarget, toTask } from './rows/work-rows.ts'
import type { Applied } from './changes/writing.ts'

interface SqliteParts {
  readonly kind: 'sqlite' | 'memory'
  readonly node: Store['node']
  readonly writing: Lane
  readonly reading: Lane
  readonly fatal: Promise<never>
  readonly close: readonly AsyncDisposable[]
  readonly folder?: string
  readonly database?: string
}

/** A token that lives, as long as nothing changes, until its own end or that of the first of its ancestors. Milliseconds. */
interface LivingToken {
  readonly token: Token
  readonly generation: number
  readonly until: number | null
}

// Those at work at one time; a few megabytes. Rows that are larger are data, and data is read once.
const keptMax = 2_000
const keptBytesMax = 16_384

type ParametersOf<Name extends ReadName> = Reads[Name] extends (db: never, ...parameters: infer P) => unknown ? P : never

/** The main thread's half: turns instants into milliseconds on the way out, and rows into what the core knows on the way in. */
export class SqliteStore implements Store {
  readonly node: Store['node']
  readonly kind: 'sqlite' | 'memory'
  readonly fatal: Promise<never>
  readonly #writing: Lane
  readonly #reading: Lane
  readonly #close: readonly AsyncDisposable[]
  readonly #folder: string | undefined
  readonly #database: string | undefined
  readonly #rows = new Kept<Entry>(keptMax, ({ value }) => value.length <= keptBytesMax)
  readonly #tokens = new Kept<LivingToken>(keptMax)

  constructor(parts: SqliteParts) {
    this.node = parts.node
    this.kind = parts.kind
    this.fatal = parts.fatal
    this.#writing = parts.writing
    this.#reading = parts.reading
    this.#close = parts.close
    this.#folder = parts.folder
    this.#database = parts.database
  }

  async commit(changes: readonly Change[], audit: readonly string[]): Promise<readonly ChangeResult[]> {
    const touched = touchedBy(changes)
    this.#forget(touched)
    try {
      const applied = (await this.#writing.ask({ commit: { changes: changes.map(toWire), audit } })) as readonly Applied[]
      return applied.map(toResult)
    } finally {
      this.#forget(touched)
    }
  }

  #forget(touched: Touched): void {
    if (touched.rows === 'all') this.#rows.forget()
    else if (touched.rows.length > 0) this.#rows.forget(touched.rows)
    if (touched.tokens) this.#tokens.forget()
  }

  async inspect(signal: AbortSignal): Promise<readonly string[]> {
    return this.#database === undefined ? [] : inspect(this.#database, signal)
  }

  get groups(): Store['groups'] {
    return this.#writing.answers
  }

  async timeMark(): Promise<Temporal.Instant> {
    return instant(await this.#read('timeMark'))
  }

  readSeal(): Promise<SealRecord | undefined> {
    return this.#read('readSeal')
  }

  async whereabouts(): ReturnType<Store['whereabouts']> {
    const { held, instance } = await this.#read('whereabouts')
    const resuming = held?.resuming ? { resuming: held.resuming } : {}
    return {
      ...(held ? { held: { cause: held.cause, since: instant(held.since), ...resuming } } : {}),
      ...(instance === null ? {} : { instance })
    }
  }

  async resealing(): ReturnType<Store['resealing']> {
    const row = await this.#read('resealing')
    return row && { ...row, begunAt: instant(row.begunAt) }
  }

  sealedPage(table: SealedTable, cursor: string, below: number, limit: number): ReturnType<Store['sealedPage']> {
    return this.#read('sealedPage', table, cursor, below, limit)
  }

  async entry(space: string, key: string): Promise<Entry | undefined> {
    // They go with their token, row by row in its cascade, and nobody's notes may push out what all issuing keeps.
    if (isCubbyhole(space)) return this.#read('entry', space, key)
    const name = rowName(space, key)
    return this.#rows.get(name) ?? this.#rows.learn(name, () => this.#read('entry', space, key))
  }

  keys(space: string, prefix: string, after: string, limit: number): Promise<readonly string[]> {
    return this.#read('keys', space, prefix, after, limit)
  }

  entries(space: string): ReturnType<Store['entries']> {
    return this.#read('entries', space)
  }

  async authenticate(hash: string, now: Temporal.Instant): Promise<{ readonly token: Token | undefined; readonly generation: number }> {
    const kept = this.#tokens.get(hash)
    if (kept && (kept.until === null || now.epochMilliseconds < kept.until)) return kept
    let generation = 0
    const living = await this.#tokens.learn(hash, async () => {
      const found = await this.#read('authenticate', hash, now.epochMilliseconds)
      generation = found.generation
      return found.token && { token: toToken(found.token), generation, until: found.until }
    })
    return living ?? { token: undefined, generation }
  }

  async token(hash: string): Promise<Token | undefined> {
    const row = await this.#read('token', hash)
    return row && toToken(row)
  }

  async tokenByAccessor(accessor: string): Promise<Token | undefined> {
    const row = await this.#read('tokenByAccessor', accessor)
    return row && toToken(row)
  }

  accessors(after: string, limit: number): Promise<readonly string[]> {
    return this.#read('accessors', after, limit)
  }

  liveLogins(authMount: string): Promise<number> {
    return this.#read('liveLogins', authMount)
  }

  wrapped(token: string): Promise<WrappedRow | undefined> {
    return this.#read('wrapped', token)
  }

  async lease(id: LeaseId): Promise<Lease | undefined> {
    const row = await this.#read('lease', id)
    return row && toLease(row)
  }

  recipe(id: string): Promise<Uint8Array | undefined> {
    return this.#read('recipe', id)
  }

  leaseIds(prefix: string, after: string, limit: number): Promise<readonly string[]> {
    return this.#read('leaseIds', prefix, after, limit)
  }

  leaseLevel(prefix: string, after: string, limit: number): Promise<readonly string[]> {
    return this.#read('leaseLevel', prefix, after, limit)
  }

  async holdings(filter: HoldingsFilter, after: string, limit: number): Promise<readonly Lease[]> {
    const found: Lease[] = []
    let from: number | undefined = await this.#read('holdingsStart', after)
    while (from !== undefined && found.length < limit) {
      const { leases, next }: { leases: readonly Parameters<typeof toLease>[0][]; next?: number } = await this.#read(
        'holdings',
        filter,
        from,
        limit - found.length
      )
      found.push(...leases.map(toLease))
      from = next
    }
    return found
  }

  async stuck(targetFailedSince: Temporal.Instant, limit: number): ReturnType<Store['stuck']> {
    const { leases, counts } = await this.#read('stuck', targetFailedSince.epochMilliseconds, limit)
    return { leases: leases.map(toLease), counts }
  }

  leaseCounts(): ReturnType<Store['leaseCounts']> {
    return this.#read('leaseCounts')
  }

  liveLeases(target: TargetId): Promise<number> {
    return this.#read('liveLeases', target)
  }

  liveBelow(prefix: string): Promise<number> {
    return this.#read('liveBelow', prefix)
  }

  liveAtMount(mount: string): Promise<number> {
    return this.#read('liveAtMount', mount)
  }

  async knownNames(names: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set(await this.#read('knownNames', names))
  }

  async leasesNamed(names: readonly string[]): Promise<readonly Lease[]> {
    return (await this.#read('leasesNamed', names)).map(toLease)
  }

  async leasesOf(mount: string, subject: string, after: LeaseId | '', limit: number): Promise<readonly Lease[]> {
    return (await this.#read('leasesOf', mount, subject, after, limit)).map(toLease)
  }

  async activeLeases(target: TargetId, after: LeaseAt | undefined, limit: number): ReturnType<Store['activeLeases']> {
    const rows = await this.#read('activeLeases', target, after ?? { readyAt: 0, number: 0 }, limit)
    return rows.map(row => ({ ...row, id: row.id as LeaseId }))
  }

  async activeNames(
    target: TargetId,
    until: Temporal.Instant,
    after: LeaseAt | undefined,
    limit: number
  ): Promise<{ readonly names: readonly string[]; readonly next?: LeaseAt }> {
    const { names, ...place } = await this.#read('activeNames', target, until.epochMilliseconds, after ?? { readyAt: 0, number: 0 }, limit)
    return { names: names === '' ? [] : names.split('\n'), ...place }
  }

  async dueWork(now: Temporal.Instant, crowded: readonly string[] = []): Promise<DueWork> {
    const { targets, cascades, tasks, expiredTokens, next } = await this.#read('dueWork', now.epochMilliseconds, JSON.stringify(crowded))
    return {
      targets: targets.map(row => ({ target: toTarget(row), dueAt: instant(row.ready_at) })),
      cascades: cascades.map(toCascade),
      tasks: tasks.map(toTask),
      expiredTokens,
      next: instantOrNull(next)
    }
  }

  async target(id: TargetId): Promise<Target | undefined> {
    const row = await this.#read('target', id)
    return row && toTarget(row)
  }

  isDue(target: TargetId, now: Temporal.Instant): Promise<boolean> {
    return this.#read('isDue', target, now.epochMilliseconds)
  }

  async targetLoads(now: Temporal.Instant, limit: number): ReturnType<Store['targetLoads']> {
    const rows = await this.#read('targetLoads', now.epochMilliseconds, limit)
    return rows.map(({ id, live, due, oldestDue, failing }) => ({
      id: id as TargetId,
      live,
      due,
      oldestDue: instantOrNull(oldestDue),
      failing: failing === 1
    }))
  }

  async targets(): Promise<readonly Target[]> {
    return (await this.#read('targets')).map(toTarget)
  }

  async cascade(id: number): Promise<Cascade | undefined> {
    const row = await this.#read('cascade', id)
    return row && toCascade(row)
  }

  async snapshot(): Promise<StoreSnapshot> {
    if (this.#folder === undefined) throw new BrokerError('invalid_request', 'a store in memory has no backup')
    const file = newCopyFile(this.#folder)
    try {
      await this.#writing.ask({ copyTo: file })
      return readCopy(file)
    } catch (error) {
      discardCopy(file)
      throw error
    }
  }

  chainHead(): Promise<ChainHead> {
    return this.#read('chainHead')
  }

  auditLines(after: number, limit: number): ReturnType<Store['auditLines']> {
    return this.#read('auditLines', after, limit)
  }

  cursor(sink: string): Promise<number> {
    return this.#read('cursor', sink)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const part of this.#close) await part[Symbol.asyncDispose]()
  }

  #read<Name extends ReadName>(read: Name, ...parameters: ParametersOf<Name>): Promise<ReturnType<Reads[Name]>> {
    return this.#reading.ask({ read, parameters }) as Promise<ReturnType<Reads[Name]>>
  }
}

function toResult({ leases, token, ...result }: Applied): ChangeResult {
  return { ...result, ...(leases ? { leases: leases.map(toLease) } : {}), ...(token ? { token: toToken(token) } : {}) }
}

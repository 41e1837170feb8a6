import { BrokerError } from '../../src/contracts/index.ts'
import type { Json, MountReader, MountStorage, Sighting, Stored, TargetId, Version } from '../../src/contracts/index.ts'

// As the broker's: a page, whatever is asked for.
const listLimitMax = 1_000
const keyPattern = /^[A-Za-z0-9_\-.@/]+$/

export interface Scheduled {
  readonly task: string
  readonly key: string
  readonly dueAt: Temporal.Instant
  readonly intent: Json
}

/** The rows of one mount, in memory: versions, conditions, single use and retirement are real, only nothing survives the process. */
export class MountRows implements MountReader {
  readonly #rows = new Map<string, Stored>()
  readonly #tasks = new Map<string, Scheduled>()
  readonly #retired = new Set<TargetId>()
  readonly #sequences = new Map<string, number>()
  readonly #sightings: { readonly name: string; readonly sighting: Sighting }[] = []
  readonly #liveLeases: (target: TargetId) => number

  constructor(liveLeases: (target: TargetId) => number) {
    this.#liveLeases = liveLeases
  }

  async get(key: string): Promise<Stored | undefined> {
    return this.#rows.get(key)
  }

  async list(prefix: string, { after = '', limit = listLimitMax } = {}): Promise<readonly string[]> {
    return [...this.#rows.keys()]
      .filter(key => key.startsWith(prefix))
      .map(key => key.slice(prefix.length))
      .filter(key => key > after)
      .toSorted()
      .slice(0, Math.min(limit, listLimitMax))
  }

  get tasks(): readonly Scheduled[] {
    return [...this.#tasks.values()]
  }

  /** The uses that were told, in their order. */
  get sightings(): readonly { readonly name: string; readonly sighting: Sighting }[] {
    return this.#sightings
  }

  /** What `begin` asks before a lease may start. */
  refuseRetired(target: TargetId): void {
    if (this.#retired.has(target)) throw new BrokerError('invalid_request', 'the target is retired')
  }

  /** Collects changes; `commit` makes all of them or none. */
  begin(): MountChanges {
    return new MountChanges(this)
  }

  reserve(sequence: string, count: number): number {
    const first = (this.#sequences.get(sequence) ?? 0) + 1
    this.#sequences.set(sequence, first + count - 1)
    return first
  }

  /** The conditions of all changes first, then the changes. */
  commit(changes: readonly Change[]): void {
    for (const change of changes) this.#require(change)
    for (const change of changes) this.#apply(change)
  }

  #require(change: Change): void {
    switch (change.kind) {
      case 'put':
      case 'remove':
        if (change.expected === undefined || (this.#rows.get(change.key)?.version ?? 0) === change.expected) return
        throw new BrokerError('conflict', `${change.key} was changed meanwhile`)
      case 'take':
        if (this.#rows.has(change.key)) return
        throw new BrokerError('conflict', `${change.key} is gone`)
      case 'retire':
        if (this.#liveLeases(change.target) === 0) return
        throw new BrokerError('invalid_request', 'leases live at this target')
      case 'schedule':
      case 'unschedule':
      case 'used':
        return
    }
  }

  #apply(change: Change): void {
    switch (change.kind) {
      case 'put':
        this.#rows.set(change.key, { value: JSON.parse(change.json) as Json, version: (this.#rows.get(change.key)?.version ?? 0) + 1 })
        return
      case 'remove':
      case 'take':
        this.#rows.delete(change.key)
        return
      case 'used':
        this.#sightings.push(change)
        return
      case 'retire':
        this.#retired.add(change.target)
        return
      case 'schedule':
        this.#tasks.set(`${change.scheduled.task} ${change.scheduled.key}`, change.scheduled)
        return
      case 'unschedule':
        this.#tasks.delete(`${change.task} ${change.key}`)
    }
  }
}

type Change =
  | { readonly kind: 'put'; readonly key: string; readonly json: string; readonly expected: Version | undefined }
  | { readonly kind: 'remove'; readonly key: string; readonly expected: Version | undefined }
  | { readonly kind: 'take'; readonly key: string }
  | { readonly kind: 'schedule'; readonly scheduled: Scheduled }
  | { readonly kind: 'unschedule'; readonly task: string; readonly key: string }
  | { readonly kind: 'used'; readonly name: string; readonly sighting: Sighting }
  | { readonly kind: 'retire'; readonly target: TargetId }

export class MountChanges implements MountStorage {
  readonly #rows: MountRows
  readonly #changes: Change[] = []

  constructor(rows: MountRows) {
    this.#rows = rows
  }

  get(key: string): Promise<Stored | undefined> {
    return this.#rows.get(key)
  }

  list(prefix: string, page?: { readonly after?: string; readonly limit?: number }): Promise<readonly string[]> {
    return this.#rows.list(prefix, page)
  }

  put(key: string, value: Json, expected?: Version): void {
    if (!keyPattern.test(key)) throw new Error('a key is a path of letters, digits and _ - . @')
    this.#changes.push({ kind: 'put', key, json: JSON.stringify(value), expected })
  }

  remove(key: string, expected?: Version): void {
    this.#changes.push({ kind: 'remove', key, expected })
  }

  take(key: string): void {
    this.#changes.push({ kind: 'take', key })
  }

  schedule(task: string, key: string, dueAt: Temporal.Instant, intent: Json): void {
    this.#changes.push({ kind: 'schedule', scheduled: { task, key, dueAt, intent } })
  }

  unschedule(task: string, key: string): void {
    this.#changes.push({ kind: 'unschedule', task, key })
  }

  retire(target: TargetId): void {
    this.#changes.push({ kind: 'retire', target })
  }

  used(name: string, sighting: Sighting): void {
    this.#changes.push({ kind: 'used', name, sighting })
  }

  async reserve(sequence: string, count: number, beside: readonly { readonly key: string; readonly value: Json }[] = []): Promise<number> {
    this.#rows.commit(beside.map(({ key, value }) => ({ kind: 'put', key, json: JSON.stringify(value), expected: undefined })))
    return this.#rows.reserve(sequence, count)
  }

  commit(): void {
    this.#rows.commit(this.#changes)
  }
}

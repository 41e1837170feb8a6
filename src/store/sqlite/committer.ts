import { chain } from '../../audit/chain.ts'
import type { ChainHead } from '../../audit/chain.ts'
import { BrokerError } from '../../contracts/index.ts'
import type { Change } from '../change.ts'
import { applyChange } from './changes/apply-change.ts'
import { carryError } from './threads/carried-error.ts'
import type { CarriedError } from './threads/carried-error.ts'
import type { Database } from './database.ts'
import type { DiskRoom } from './folder/disk-room.ts'
import { heldRow, refuseWhileHeld } from './held.ts'
import { isDamage, isFull, storeError } from './sqlite-error.ts'
import type { Wire } from './rows/wire.ts'
import type { Applied } from './changes/writing.ts'

/** One call of `commit`. */
export interface CommitItem {
  readonly changes: readonly Wire<Change>[]
  readonly audit: readonly string[]
}

export type Outcome = { readonly value: readonly Applied[] } | { readonly error: CarriedError }

interface Done {
  readonly results: readonly Applied[]
  readonly lines: readonly string[]
}

/** Group commit: the calls that wait become one transaction and one fsync; each is all or nothing by itself. Keeps the end of the audit chain and the high-water
 *  mark of time in memory and in the node's row, which also is the fence: a run that was replaced finds its row gone on, and nothing of the group happens. */
export class Committer {
  readonly #db: Database
  readonly #node: { readonly node: string; readonly epoch: number }
  readonly #room: DiskRoom | undefined
  #head: ChainHead
  #timeMark: number
  #broken: BrokerError | undefined
  /** As it was when this run began, or later: only then each call asks. Once lifted it is never held again. */
  #held: boolean

  constructor(
    db: Database,
    node: { readonly id: string; readonly epoch: number },
    start: { readonly head: ChainHead; readonly timeMark: number },
    room?: DiskRoom
  ) {
    this.#db = db
    this.#node = { node: node.id, epoch: node.epoch }
    this.#head = start.head
    this.#timeMark = start.timeMark
    this.#room = room
    this.#held = heldRow(db) !== undefined
  }

  /** Set once a write or an fsync has failed: the kernel may have dropped the page, so that a later success proves nothing. The process must end. */
  get broken(): BrokerError | undefined {
    return this.#broken
  }

  isFull(error: unknown): boolean {
    return this.#room ? this.#room.isFull(error) : isFull(error)
  }

  /** Something else that was written through this connection failed: as if it had been a commit. */
  distrust(error: unknown): BrokerError {
    return (this.#broken ??= storeError('the store cannot be written safely any more', error))
  }

  commit(items: readonly CommitItem[]): readonly Outcome[] {
    if (this.#broken) return this.#allFail(items, this.#broken)
    try {
      return this.#transaction(items)
    } catch (error) {
      this.#rollBack()
      const full = this.isFull(error)
      if (!full && isDamage(error)) return this.#allFail(items, this.distrust(error))
      // The reserve is given up at the first sign of a full disk; with it what ends access goes on, and everything that grants it is refused.
      if (full && this.#room?.giveUpReserve()) return this.commit(items)
      return this.#allFail(items, error instanceof BrokerError ? error : storeError('the store cannot be written', error))
    }
  }

  #transaction(items: readonly CommitItem[]): readonly Outcome[] {
    this.#db.run('begin immediate')
    const outcomes: Outcome[] = []
    const lines: string[] = []
    let timeMark = this.#timeMark
    for (const item of items) {
      const done = this.#attempt(item)
      if ('error' in done) outcomes.push(done)
      else {
        outcomes.push({ value: done.results })
        lines.push(...done.lines)
        for (const { now } of item.changes) timeMark = Math.max(timeMark, now)
      }
    }
    const head = this.#append(lines, timeMark)
    this.#db.run('commit')
    this.#head = head
    this.#timeMark = timeMark
    this.#held &&= heldRow(this.#db) !== undefined
    return outcomes
  }

  /** One call, all or nothing: a savepoint around its changes. Audit lines alone cannot fail by themselves. */
  #attempt(item: CommitItem): Done | { readonly error: CarriedError } {
    if (this.#room && !this.#room.allows(item.changes))
      return { error: carryError(new BrokerError('store_unreachable', 'the disk of the store is full')) }
    if (item.changes.length === 0) return { results: [], lines: item.audit }
    this.#db.run('savepoint item')
    try {
      const held = this.#held ? heldRow(this.#db) : undefined
      if (held) refuseWhileHeld(held, item.changes)
      const done = this.#apply(item)
      this.#db.run('release item')
      return done
    } catch (error) {
      // A full disk has rolled the whole transaction back already, and damage ends everything: neither is this call's own failure.
      if (!this.#db.inTransaction || isDamage(error) || isFull(error)) throw error
      this.#db.run('rollback to item')
      this.#db.run('release item')
      return { error: carryError(error) }
    }
  }

  #apply({ changes, audit }: CommitItem): Done {
    const results: Applied[] = []
    const lines: string[] = []
    for (const change of changes) {
      const { audit: found, ...result } = applyChange({ db: this.#db, fence: this.#node, now: change.now }, change)
      results.push(result)
      if (found) lines.push(...found)
      if (result.applied && change.audit) lines.push(...change.audit)
    }
    lines.push(...audit)
    return { results, lines }
  }

  /** All lines of a group are one row: rows of one or two kilobytes each would fill a page each, and the log would be twice as long. */
  #append(bodies: readonly string[], timeMark: number): ChainHead {
    let head = this.#head
    const lines: string[] = []
    for (const body of bodies) {
      const { seq, hash, line } = chain(this.#node.node, head, body)
      lines.push(line)
      head = { seq, hash }
    }
    if (lines.length > 0) {
      const at = bodyTime(bodies.at(-1)!) ?? timeMark
      this.#db.run(
        'insert into audit (first_seq, last_seq, at, lines) values (?, ?, ?, ?)',
        this.#head.seq + 1,
        head.seq,
        at,
        lines.join('\n')
      )
    }
    const own = this.#db.run(
      'update node set audit_seq = :seq, audit_hash = :hash, time_mark = :timeMark where id = :node and epoch = :epoch',
      { seq: head.seq, hash: head.hash, timeMark, ...this.#node }
    )
    if (own === 0) throw new BrokerError('store_unreachable', 'a newer run of this node has taken over the store')
    return head
  }

  #rollBack(): void {
    if (this.#db.inTransaction) this.#db.run('rollback')
  }

  #allFail(items: readonly CommitItem[], error: BrokerError): readonly Outcome[] {
    const carried = carryError(error)
    return items.map(() => ({ error: carried }))
  }
}

const timeFront = /^\{"time":"([^"]{20,35})"/

/** When a line was written, for pruning by age: bodies begin with their time. Parsed by what answers NaN, not by what throws: no line may stop a commit. */
function bodyTime(body: string): number | undefined {
  const milliseconds = Date.parse(timeFront.exec(body)?.[1] ?? '')
  return Number.isNaN(milliseconds) ? undefined : milliseconds
}

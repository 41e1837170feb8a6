/** Seals anew, in the background, what older keys have sealed, and then lets those keys go.
 *
 *  rotation     a new key seals from its commit on
 *  delay        what was sealed before it comes to its commit meanwhile
 *  begin        one commit: the pass is durable, and from here on the store takes nothing that an older key has sealed, however late it comes
 *  pages        table by table, each row where its old value is still there; the commit carries the cursor. A crash goes on from the last one
 *  end          one commit: the keyring without the older keys, and the pass is over
 *
 *  A row that does not open is left as it is, told, and keeps the older keys in the keyring: whoever repairs it still can. */
import { BrokerError } from '../../contracts/index.ts'
import type { LeaseId } from '../../contracts/index.ts'
import type { Place } from '../../seal/place.ts'
import type { ResealedRow } from '../../store/change.ts'
import { sealedTables } from '../../store/store.ts'
import type { Resealing, SealedRow, SealedTable } from '../../store/store.ts'
import { handlePlace, recipePlace } from '../leases/lease-rows.ts'
import { intentPlace } from '../mounts/mount-storage.ts'
import type { Parts } from '../parts.ts'
import { entryPlace } from '../mounts/sealed-rows.ts'

// Longer than any request holds what it has sealed before it commits it: after this nobody notices that the store takes no more of it.
const delayMs = 120_000
// Rows of a page. Measured among a million leases, on a busy machine: 1 ms to read one and 6 ms to write it, at the front as at the end, 17 µs of CPU for a row.
const pageRows = 200
// The writer and the reader work for others at least four fifths of the time.
const restFactor = 4
const restMsMin = 20
const idleMs = 60_000
// A pass that has left rows behind tries again: they may have been repaired.
const againMs = 86_400_000

interface LastPass {
  readonly below: number
  readonly unreadable: number
  readonly endedMs: number
}

export class Resealer {
  readonly #parts: Parts
  #last: LastPass | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** One turn of the background; its answer is the pause until the next. */
  async turn(signal: AbortSignal): Promise<number> {
    const { store, clock, keys } = this.#parts
    if (keys.span.oldest === keys.span.newest) return idleMs
    for (let pass = (await store.resealing()) ?? (await this.#begin()); pass && !signal.aborted;) {
      const began = clock.elapsed()
      pass = await this.#page(pass)
      await clock.sleep(Math.max(restMsMin, (clock.elapsed() - began) * restFactor), signal)
    }
    return idleMs
  }

  async #begin(): Promise<Resealing | undefined> {
    const { keys, clock, store, log, at } = this.#parts
    const { oldest, newest, rotatedAt } = keys.span
    if (clock.now().epochMilliseconds - rotatedAt.epochMilliseconds < delayMs || this.#hasJustFailed(newest)) return undefined
    await store.commit([{ kind: 'reseal.begin', now: clock.now(), below: newest }], [])
    await at('reseal:after-begin')
    log.info('what older keys have sealed is being sealed anew', { oldest, newest })
    return store.resealing()
  }

  #hasJustFailed(newest: number): boolean {
    const last = this.#last
    return last !== undefined && last.unreadable > 0 && last.below === newest && this.#parts.clock.elapsed() - last.endedMs < againMs
  }

  /** The pass one page further; `undefined` when it is over. */
  async #page(pass: Resealing): Promise<Resealing | undefined> {
    const { rows, next } = await this.#parts.store.sealedPage(pass.table, pass.cursor, pass.below, pageRows)
    if (next === undefined) return this.#nextTable(pass)
    if (rows.length === 0) return { ...pass, cursor: next }
    const resealed = rows.flatMap(row => this.#sealedAnew(pass.table, row))
    return this.#commit({ ...pass, cursor: next }, resealed, rows.length - resealed.length)
  }

  async #commit(pass: Resealing, rows: readonly ResealedRow[], unreadable: number): Promise<Resealing> {
    const { store, clock, at } = this.#parts
    const { below, table, cursor } = pass
    const [result] = await store.commit([{ kind: 'reseal.rows', now: clock.now(), below, table, cursor, unreadable, rows }], [])
    await at('reseal:after-page')
    return { ...pass, resealed: pass.resealed + (result?.count ?? 0), unreadable: pass.unreadable + unreadable }
  }

  #sealedAnew(table: SealedTable, { keys, value }: SealedRow): readonly ResealedRow[] {
    const { barrier, log } = this.#parts
    const place = places[table](keys)
    try {
      const plain = barrier.open(place, value)
      const sealed = barrier.seal(place, plain)
      plain.fill(0)
      return [{ keys, old: value, sealed }]
    } catch (error) {
      if (!(error instanceof BrokerError) || error.code !== 'integrity') throw error
      log.error('a row cannot be sealed anew; it keeps the older keys in the keyring', { table }, error)
      return []
    }
  }

  async #nextTable(pass: Resealing): Promise<Resealing | undefined> {
    const table = sealedTables[sealedTables.indexOf(pass.table) + 1]
    if (table) return { ...pass, table, cursor: '' }
    await this.#end(pass)
    return undefined
  }

  async #end({ below, resealed, unreadable }: Resealing): Promise<void> {
    const { keys, trail, store, clock, log, at } = this.#parts
    await at('reseal:before-end')
    const end = { kind: 'reseal.end', below } as const
    if (unreadable > 0) await store.commit([{ ...end, now: clock.now() }], [])
    else await keys.drop(below, [end], [trail.key({ change: 'dropped', term: below - 1 })])
    await at('reseal:after-end')
    this.#last = { below, unreadable, endedMs: clock.elapsed() }
    if (unreadable > 0) log.error('older keys stay in the keyring: rows that they have sealed do not open', { below, resealed, unreadable })
    else log.info('everything is sealed under the newest key, and the older keys are gone', { below, resealed })
  }
}

const places: { readonly [Table in SealedTable]: (keys: readonly string[]) => Place } = {
  entry: ([space = '', key = '']) => entryPlace(space, key),
  recipe: ([id = '']) => recipePlace(id),
  task: ([mount = '', task = '', key = '']) => intentPlace(mount, task, key),
  lease: ([id = '']) => handlePlace(id as LeaseId)
}

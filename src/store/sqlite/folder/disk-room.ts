import { closeSync, existsSync, openSync, rmSync, statfsSync, statSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Change, Intention } from '../../change.ts'
import { isNoRoom } from './no-room.ts'
import type { Wire } from '../rows/wire.ts'
import { isFull, isRefusedWrite } from '../sqlite-error.ts'

// Room to end every lease of a busy day after the disk has filled: an outcome with its audit line costs about 3 KB.
export const reserveBytesMax = 67_108_864

const probeName = 'probe.tmp'
// More than any commit: less might find room where a commit has found none.
const probeBytes = 33_554_432

// Between looks at the disk; one look costs some microseconds.
const lookMs = 1_000
// Where the disk says that there is room and a write says no: of a quota nothing tells but the reserve itself, and to write it takes half a second (measured).
const blindLookMs = 10_000

/** What ends access or records its end, and what makes room. All else is refused on a full disk, so that the reserve is spent on nothing else. */
const endsAccess: ReadonlySet<Intention['kind']> = new Set<Intention['kind']>([
  'lease.due',
  'lease.claim',
  'lease.settle',
  'lease.force',
  'lease.takeOver',
  'target.failed',
  'target.recovered',
  'token.end',
  'tokens.expire',
  'cascade.open',
  'cascade.work',
  'cursor.move',
  'cursor.drop',
  'cursor.keep',
  'audit.prune',
  'history.prune'
])

/** A request that ends leases, and their end. */
const ending: ReadonlySet<Intention['kind']> = new Set<Intention['kind']>(['lease.due', 'cascade.open', 'lease.settle'])

/** Rows that are written beside these in one commit are a part of them (a key that is blocked with its certificates), and those of the task that publishes: where to end means to publish. */
const ofRevocation: ReadonlySet<Intention['kind']> = new Set<Intention['kind']>([
  'entry.put',
  'entry.remove',
  'entry.take',
  'task.schedule',
  'task.unschedule'
])

function publishes(change: Wire<Change>): boolean {
  return change.kind === 'task.settle' && change.endsAccess === true
}

/** Room on the disk: a reserve file that is deleted when the disk is full, and a low-water mark that stops issuing before. Recovers by itself. */
export class DiskRoom {
  readonly #folder: string
  readonly #file: string
  readonly #bytes: number
  #pressed = false
  #lookAtMs = 0

  constructor(folder: string, bytesMax: number = reserveBytesMax) {
    this.#folder = folder
    this.#file = join(folder, 'reserve')
    rmSync(join(folder, probeName), { force: true })
    this.#bytes = Math.min(bytesMax, Math.floor((this.#free() + this.#held()) / 4))
  }

  allows(changes: readonly Wire<Change>[]): boolean {
    this.#look()
    if (!this.#pressed) return true
    const ends = changes.some(change => ending.has(change.kind) || publishes(change))
    return (
      changes.length > 0 &&
      changes.every(change => endsAccess.has(change.kind) || publishes(change) || (ends && ofRevocation.has(change.kind)))
    )
  }

  /** No room, or no room for us: to a quota that is spent SQLite says "I/O error", as to a broken disk, and that the process would have to end for. */
  isFull(error: unknown): boolean {
    if (isFull(error)) return true
    if (!isRefusedWrite(error) || !this.#quotaIsSpent()) return false
    this.#lookAtMs = performance.now() + blindLookMs
    return true
  }

  /** Asked of the kernel, which tells a spent quota from a broken disk: by a file of more than any commit. */
  #quotaIsSpent(): boolean {
    const file = join(this.#folder, probeName)
    try {
      writeZeros(file, probeBytes)
      return false
    } catch (error) {
      return isNoRoom(error)
    } finally {
      rmSync(file, { force: true })
    }
  }

  /** True when there was a reserve to give up: what failed is worth another try. */
  giveUpReserve(): boolean {
    const first = !this.#pressed || existsSync(this.#file)
    this.#pressed = true
    if (existsSync(this.#file)) unlinkSync(this.#file)
    return first
  }

  #look(): void {
    const now = performance.now()
    if (now < this.#lookAtMs) return
    this.#lookAtMs = now + lookMs
    if (!this.#pressed) this.#pressed = this.#free() < this.#bytes / 2
    // Back only with room for the reserve and as much again: otherwise the next commit would take it away at once.
    else if (this.#free() + this.#held() > 2 * this.#bytes) {
      this.#pressed = !this.makeReserve()
      if (this.#pressed) this.#lookAtMs = performance.now() + blindLookMs
    }
  }

  /** Takes a moment on a slow disk: the start does not wait for it. */
  makeReserve(): boolean {
    if (this.#held() >= this.#bytes) return true
    try {
      writeZeros(this.#file, this.#bytes)
      return true
    } catch {
      if (existsSync(this.#file)) unlinkSync(this.#file)
      return false
    }
  }

  #free(): number {
    const { bavail, bsize } = statfsSync(this.#folder)
    return bavail * bsize
  }

  #held(): number {
    return existsSync(this.#file) ? statSync(this.#file).size : 0
  }
}

/** Written, not only made long: a hole in a file takes no room. */
function writeZeros(path: string, bytes: number): void {
  const file = openSync(path, 'w', 0o600)
  try {
    const zeros = Buffer.alloc(Math.min(bytes, 1_048_576))
    for (let at = 0; at < bytes;) at += writeSync(file, zeros, 0, Math.min(zeros.length, bytes - at), at)
  } finally {
    closeSync(file)
  }
}

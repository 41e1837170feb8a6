import type { Clock, MountStorage } from 'mayfly/plugin'
import type { Issuer } from '../issuers/issuer.ts'

// One commit of its own for so many certificates. What a death leaves unused is a gap, and gaps are fine.
const blockSize = 128
// More than a broker signs in a second (measured: some thousands): the count of a store that was restored is behind by less than this for each second since.
const perSecondMax = 4_096

interface Block {
  next: number
  end: number
}

/** Numbers that this process has passed over for good: from and to. */
export type Skipped = readonly (readonly [number, number])[]

export interface Serial {
  readonly serial: number
  readonly skipped: Skipped | undefined
}

/** The serials of each issuer: from 1, durable before anything is signed with them, never twice.
 *
 *  A store that was restored from a backup counts from where the backup was, and nobody here knows which numbers were given out since. So the first number that a process gives
 *  lies ahead of all that could have been signed since the issuer was made, and what it passes over goes on the list of the revoked: none of those numbers has a lease, and if one is on
 *  a certificate, then on one that was signed after the backup. An issuer that was made by this very process begins at 1. */
export class Serials {
  readonly #clock: Clock
  readonly #blocks = new Map<string, Block>()
  readonly #reserving = new Map<string, Promise<void>>()
  readonly #skipped = new Map<string, Skipped>()
  readonly #made = new Set<string>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** This process has made the issuer: nobody can have signed with it before. */
  made(issuer: string): void {
    this.#made.add(issuer)
  }

  async next(issuer: Issuer, storage: MountStorage): Promise<Serial> {
    for (;;) {
      const block = this.#blocks.get(issuer.id)
      if (block && block.next < block.end) return { serial: block.next++, skipped: this.#skipped.get(issuer.id) }
      await this.#reserve(issuer, storage)
    }
  }

  /** What was passed over is on the list now, or will be with the very next certificate. */
  told(issuer: string): void {
    this.#skipped.delete(issuer)
  }

  /** One at a time for each issuer: those who wait take from the same block. */
  async #reserve(issuer: Issuer, storage: MountStorage): Promise<void> {
    const under = this.#reserving.get(issuer.id)
    if (under) return under
    const work = this.#reserveNow(issuer, storage).finally(() => this.#reserving.delete(issuer.id))
    this.#reserving.set(issuer.id, work)
    return work
  }

  async #reserveNow(issuer: Issuer, storage: MountStorage): Promise<void> {
    const first = await storage.reserve(`serials/${issuer.id}`, blockSize)
    const begins = this.#blocks.has(issuer.id) || this.#made.has(issuer.id) ? first : await this.#ahead(issuer, first, storage)
    this.#blocks.set(issuer.id, { next: begins, end: begins + blockSize })
  }

  /** What others reserved between the two calls is theirs, and not passed over. */
  async #ahead({ id, madeAt }: Issuer, first: number, storage: MountStorage): Promise<number> {
    const floor = (Math.floor(this.#clock.now().epochMilliseconds / 1_000) - madeAt + 1) * perSecondMax
    if (floor <= first + blockSize) return first
    const jump = floor - first - blockSize
    const over = await storage.reserve(`serials/${id}`, jump + blockSize)
    this.#skipped.set(id, [
      [first, first + blockSize - 1],
      [over, over + jump - 1]
    ])
    return over + jump
  }
}

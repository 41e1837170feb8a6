import type { BackendContext, MountStorage } from 'mayfly/plugin'
import type { Issuer } from '../issuers/issuer.ts'
import { skippedRow } from '../krl/skipped-rows.ts'
import type { Ranges } from '../krl/skipped-rows.ts'
import { certificateName } from './certificate-name.ts'

// One commit of its own for so many certificates. What a death leaves unused is a gap, and gaps are fine.
const blockSize = 128
// More than all brokers of a store sign in a second (measured: some thousands): the count of a store that was put back without a word is behind by less than this for each second since.
const perSecondMax = 16_384
// Those that were signed at the same time take from this block and the one before, and are committed in any order.
const blocksInDoubt = 3

interface Block {
  next: number
  readonly end: number
}

/** All serials up to this one were given by a process that is known, or are on the list of the revoked. */
type Given = { readonly to: number }

export interface Serial {
  readonly serial: number
  /** With it this process begins with the issuer: what it has passed over is to be published. */
  readonly begins: boolean
}

/** The serials of each issuer: from 1, durable before anything is signed with them, never twice.
 *
 *  A store that was restored from a backup counts from where the backup was, or from far ahead when the operator has said so, and nobody here knows which numbers were given out since. So the
 *  first number that a process gives lies ahead of all that could have been signed since the issuer was made. What it passes over goes on the list of the revoked, in the very commit that passes it
 *  over, and so do the numbers of the last blocks that have no lease: if one of them is on a certificate, then on one that was signed after the backup. An issuer that was made by this very process
 *  begins at 1. */
export class Serials {
  readonly #context: BackendContext
  readonly #blocks = new Map<string, Block>()
  readonly #reserving = new Map<string, Promise<void>>()
  readonly #made = new Set<string>()

  constructor(context: BackendContext) {
    this.#context = context
  }

  /** This process has made the issuer: nobody can have signed with it before. */
  made(issuer: string): void {
    this.#made.add(issuer)
  }

  async next(issuer: Issuer, storage: MountStorage): Promise<Serial> {
    const begins = !this.#blocks.has(issuer.id)
    for (;;) {
      const block = this.#blocks.get(issuer.id)
      if (block && block.next < block.end) return { serial: block.next++, begins }
      await this.#reserve(issuer, storage)
    }
  }

  /** Has what was passed over on the list before anything is signed. */
  async begin(issuer: Issuer, storage: MountStorage): Promise<void> {
    if (!this.#blocks.has(issuer.id) && !this.#made.has(issuer.id)) await this.#reserve(issuer, storage)
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
    const { id } = issuer
    const goesOn = this.#blocks.has(id) || this.#made.has(id)
    const free = await storage.reserve(sequence(id), 0)
    const start = goesOn ? free : Math.max(free, this.#ahead(issuer))
    const given = { key: givenKey(id), value: { to: start + blockSize - 1 } satisfies Given }
    const passed = goesOn ? [] : await this.#passedOver(issuer, start, storage)
    const skipped = passed.length === 0 ? [] : [skippedRow(this.#context, id, start, passed)]
    // Only this process counts here, and one reservation at a time: it is what was looked at.
    await storage.reserve(sequence(id), start - free + blockSize, [given, ...skipped])
    this.#blocks.set(id, { next: start, end: start + blockSize })
  }

  #ahead({ madeAt }: Issuer): number {
    return (Math.floor(this.#context.clock.now().epochMilliseconds / 1_000) - madeAt + 1) * perSecondMax
  }

  async #passedOver({ id }: Issuer, start: number, storage: MountStorage): Promise<Ranges> {
    const { to } = ((await storage.get(givenKey(id)))?.value as Given | undefined) ?? { to: 0 }
    const doubted = Array.from({ length: Math.min(to, blocksInDoubt * blockSize) }, (_, at) => to - at)
    const leases = await this.#context.leases.named(doubted.map(serial => certificateName(id, serial)))
    const known = new Set(leases.map(({ name }) => name))
    const nobodys = doubted.filter(serial => !known.has(certificateName(id, serial))).map(serial => [serial, serial] as const)
    return start - 1 > to ? [...nobodys, [to + 1, start - 1]] : nobodys
  }
}

const sequence = (issuer: string): string => `serials/${issuer}`
const givenKey = (issuer: string): string => `serials-given/${issuer}`

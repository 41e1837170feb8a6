import type { ChainHead } from './chain.ts'
import { linkHash } from './chain.ts'
import type { TrailHeader } from './header.ts'
import type { NodeVerdict } from './verdict.ts'

// How far back a checkpoint may sign, and a sink may begin again: many times what a node writes between two checkpoints.
const rememberedMax = 100_000

/** What is known of one node's chain while its lines go by. */
export class NodeTrail {
  readonly node: string
  readonly firstSeq: number
  readonly #beginningProven: boolean
  readonly #hashes = new Map<number, string>()
  #seq: number
  #lines = 0
  checkpoints = 0
  signedTo = 0
  /** After a header that goes back: the number of the next line that may come again. */
  #again: number | undefined

  constructor(header: TrailHeader) {
    this.node = header.node
    this.firstSeq = header.firstSeq
    this.#seq = header.firstSeq - 1
    this.#beginningProven = header.previousHash !== undefined
    if (header.previousHash !== undefined) this.#hashes.set(this.#seq, header.previousHash)
  }

  get nextSeq(): number {
    return this.#seq + 1
  }

  hashAt(seq: number): string | undefined {
    return this.#hashes.get(seq)
  }

  /** Whether `hash` is the one that this body gives as the next line. Of a trail whose beginning is not known, the first line's hash is taken as it is. */
  follows(hash: string, body: string): boolean {
    const previous = this.#hashes.get(this.#seq)
    return previous === undefined || linkHash(this.node, previous, this.#seq + 1, body) === hash
  }

  append(hash: string): void {
    this.#seq++
    this.#lines++
    this.#again = undefined
    this.#hashes.set(this.#seq, hash)
    this.#hashes.delete(this.#seq - rememberedMax)
  }

  /** A header that begins at a line that is here already. */
  goBack(firstSeq: number): boolean {
    if (!this.#hashes.has(firstSeq)) return false
    this.#again = firstSeq
    return true
  }

  /** A line that came again below such a header, the same to the byte. */
  takeAgain(seq: number, hash: string, body: string): boolean {
    if (seq !== this.#again || this.#hashes.get(seq) !== hash) return false
    const previous = this.#hashes.get(seq - 1)
    if (previous !== undefined && linkHash(this.node, previous, seq, body) !== hash) return false
    this.#again++
    return true
  }

  get verdict(): NodeVerdict {
    const { node, firstSeq, checkpoints, signedTo } = this
    const head: ChainHead = { seq: this.#seq, hash: this.#hashes.get(this.#seq) ?? '' }
    const unsigned = this.#seq - Math.max(signedTo, firstSeq - 1)
    return { node, firstSeq, head, lines: this.#lines, checkpoints, signedTo, unsigned, beginningProven: this.#beginningProven }
  }
}

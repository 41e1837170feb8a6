import type { Parts } from '../parts.ts'

/** Signs the head of the trail at intervals, and when the broker ends: what lies before a checkpoint cannot be rewritten without the key. */
export class Checkpoints {
  readonly everyMs = 60_000
  readonly #parts: Parts
  #signed = -1

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async sign(): Promise<void> {
    const { store, trail } = this.#parts
    const head = await store.chainHead()
    if (head.seq <= this.#signed || head.seq === 0) return
    await store.commit([], [trail.checkpoint(store.node.id, head)])
    // The checkpoint's own line needs no checkpoint.
    this.#signed = head.seq + 1
  }
}

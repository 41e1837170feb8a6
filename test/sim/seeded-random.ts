import { createHash } from 'node:crypto'
import type { Random } from '../../src/contracts/index.ts'

/** A generator that one seed repeats: SHA-256 in counter mode. */
export function seededRandom(seed: string | number): Random {
  let counter = 0
  const bytes = (count: number): Uint8Array => {
    const blocks: Buffer[] = []
    for (let length = 0; length < count; length += 32) blocks.push(createHash('sha256').update(`${seed}:${counter++}`).digest())
    return new Uint8Array(Buffer.concat(blocks).subarray(0, count))
  }
  return {
    bytes,
    below(limit) {
      const range = Math.floor(2 ** 48 / limit) * limit
      for (;;) {
        const value = Buffer.from(bytes(6)).readUIntBE(0, 6)
        if (value < range) return value % limit
      }
    }
  }
}

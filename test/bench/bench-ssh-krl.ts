import { generateKeyPairSync } from 'node:crypto'
import { encodeKrl } from '../../plugins/ssh/format/encode-krl.ts'
import { publicPart } from '../../plugins/ssh/format/key-object.ts'
import { parseKrl } from '../../plugins/ssh/format/parse-krl.ts'
import { serialRanges } from '../../plugins/ssh/format/serial-ranges.ts'
import { atMost, median, printTable } from './table.ts'

const issued = 1_000_000
const rounds = 9

/** Which of a million serials are revoked. The generator is a fixed one: the same list in every run. */
const revocations: readonly {
  readonly what: string
  readonly serials: readonly bigint[]
  readonly goalMs: number
  readonly goalKb: number
}[] = [
  { what: '10,000 anywhere', serials: scattered(10_000), goalMs: 50, goalKb: 81 },
  { what: '10,000 in a row', serials: Array.from({ length: 10_000 }, (_, at) => BigInt(at + 500_000)), goalMs: 50, goalKb: 1 },
  { what: '100,000 anywhere', serials: scattered(100_000), goalMs: 500, goalKb: 127 },
  { what: '500,000 anywhere', serials: scattered(500_000), goalMs: 2_500, goalKb: 127 }
]

/** The list that every host downloads: from serials to bytes, and read back before it is published. */
export function benchSshKrl(): void {
  const ca = publicPart(generateKeyPairSync('ed25519').publicKey)
  const rows = revocations.map(({ what, serials, goalMs, goalKb }) => {
    const builds: number[] = []
    const reads: number[] = []
    let bytes = 0
    for (let round = 0; round < rounds; round++) {
      const start = performance.now()
      const krl = {
        version: 1n,
        generatedAt: 1n,
        certificates: [{ ca, serials: serialRanges(serials), keyIds: [] }],
        keys: [],
        fingerprints: []
      }
      const encoded = encodeKrl(krl)
      const built = performance.now()
      parseKrl(encoded)
      builds.push(built - start)
      reads.push(performance.now() - built)
      bytes = encoded.length
    }
    return {
      revoked: what,
      'build ms': atMost(median(builds), goalMs),
      'read back ms': median(reads).toFixed(1),
      kB: atMost(bytes / 1_000, goalKb),
      'as a list': ((serials.length * 8) / 1_000).toFixed(0)
    }
  })
  printTable(`SSH: the list of revoked certificates, of ${issued.toLocaleString('en')} issued`, rows)
}

function scattered(count: number): readonly bigint[] {
  const chosen = new Set<number>()
  for (let state = 1; chosen.size < count;) {
    // xorshift32: every run draws the same serials.
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    chosen.add(((state >>> 0) % issued) + 1)
  }
  return Array.from(chosen, BigInt)
}

/** A list that would be larger than hosts take still refuses all that was revoked. */
import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { publicPart } from '../../../plugins/ssh/format/key-object.ts'
import { krlBytesMax } from '../../../plugins/ssh/format/krl.ts'
import { parseKrl } from '../../../plugins/ssh/format/parse-krl.ts'
import { holdsSerial, serialRanges } from '../../../plugins/ssh/format/serial-ranges.ts'
import { fittingKrl } from '../../../plugins/ssh/krl/fitting-krl.ts'

const ca = publicPart(generateKeyPairSync('ed25519').publicKey)

function listOf(serials: readonly bigint[]) {
  return { version: 1n, generatedAt: 1n, certificates: [{ ca, serials: serialRanges(serials), keyIds: [] }], keys: [], fingerprints: [] }
}

test('what fits is as it is', () => {
  const { body, beside } = fittingKrl(listOf([1n, 1_000n, 2_000n]))
  expect(beside).toBe(0n)
  expect(parseKrl(body).certificates[0]?.serials).toHaveLength(3)
})

test('what does not fit becomes coarser, and nobody who was revoked comes off it', () => {
  // Both too far apart for anything but eight bytes each.
  const near = Array.from({ length: 280_000 }, (_, at) => BigInt(at) * 200n + 1n)
  const far = Array.from({ length: 280_000 }, (_, at) => 1_000_000_000n + BigInt(at) * 2_000n)
  const { body, beside } = fittingKrl(listOf([...near, ...far]))
  expect(body.length).toBeLessThanOrEqual(krlBytesMax)
  const ranges = parseKrl(body).certificates[0]!.serials
  expect([...near, ...far].filter(serial => !holdsSerial(ranges, serial))).toEqual([])
  // Between those that lie close together, and no others.
  expect(beside).toBe(279_999n * 199n)
})

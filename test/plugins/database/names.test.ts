import { describe, expect, test } from 'vitest'
import { randomText } from '../../../plugins/database/creds/random-text.ts'
import { newUserName } from '../../../plugins/database/name/user-name.ts'
import type { Random } from '../../../src/contracts/index.ts'
import { systemRandom } from '../../../src/system-clock.ts'

/** Every byte once, in order, for ever: what a fair source gives in the long run. */
function everyByte(): Random {
  let next = 0
  return { bytes: count => Uint8Array.from({ length: count }, () => next++ % 256), below: limit => limit - 1 }
}

const now = Temporal.Instant.from('2026-11-22T21:00:00Z')
const nameOf = (parts: { displayName?: string; roleName?: string; bytesMax?: number; partBytes?: number }): string =>
  newUserName({ displayName: 'token', roleName: 'readonly', bytesMax: 63, partBytes: 8, now, random: systemRandom, ...parts })

describe('a random text', () => {
  test.each([10, 62, 63, 64])('chooses each of %i characters equally often', size => {
    const alphabet = Array.from({ length: size }, (_, at) => String.fromCharCode(0x100 + at)).join('')
    const counts = new Map<string, number>()
    // Whole rounds of the source: a text of `size * 4` characters eats 256 bytes, and a source that begins anew is as fair.
    for (const character of randomText(everyByte(), alphabet, size * 400)) counts.set(character, (counts.get(character) ?? 0) + 1)
    expect(new Set(counts.values())).toEqual(new Set([400]))
  })
})

describe('a user name', () => {
  test('is that of the wire', () => {
    expect(nameOf({ displayName: 'userpass-bob', roleName: 'readonly-long' })).toMatch(/^v-userpass-readonly-[0-9A-Za-z]{20}-1795381200$/)
  })

  test.each([63, 80, 32, 16, 12])('within %i bytes keeps at least 8 random characters, so that no two callers share a user', bytesMax => {
    const hostile = { displayName: 'ü'.repeat(300), roleName: 'x'.repeat(300), bytesMax, partBytes: 10 }
    const names = Array.from({ length: 1_000 }, () => nameOf(hostile))
    expect(new Set(names).size).toBe(1_000)
    for (const name of names) {
      expect(name).toMatch(/^[A-Za-z0-9_-]+$/)
      expect(name.length).toBeLessThanOrEqual(bytesMax)
      expect(/^v-_*-x*-([0-9A-Za-z]{8,20})/.test(name)).toBe(true)
    }
  })
})

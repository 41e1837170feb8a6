import { expect } from 'vitest'
import { systemRandom } from '../../src/system-clock.ts'
import { Barrier } from '../../src/seal/barrier.ts'
import { Keyring } from '../../src/seal/keyring.ts'
import type { EncryptionKey } from '../../src/seal/keyring.ts'
import type { Place } from '../../src/seal/place.ts'
import type { ErrorCode, Random } from '../../src/contracts/index.ts'

export const now = Temporal.Instant.from('2026-05-04T10:00:00Z')

export function place(row: string): Place {
  return { table: 'lease', row, column: 'handle' }
}

export function freshBarrier(random: Random = systemRandom): Barrier {
  return Barrier.create(Keyring.create(random, now), random)
}

/** What a rotation makes once it is stored. */
export function rotate(keyring: Keyring, at: Temporal.Instant): EncryptionKey {
  const key = keyring.nextKey(systemRandom, at)
  keyring.adopt({ add: key })
  return key
}

/** The same bytes in the same order in every run that starts from the same seed: two of them are a machine and its clone. */
export function replayable(seed: number): Random {
  let state = seed
  const next = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0)
  return { bytes: count => Uint8Array.from({ length: count }, () => next() >>> 24), below: limit => next() % limit }
}

export const code = (expected: ErrorCode) => expect.objectContaining({ name: 'BrokerError', code: expected })

export const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

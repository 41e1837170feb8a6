import type { JsonObject } from '../../contracts/index.ts'
import { z } from '../../contracts/index.ts'
import type { Parts } from '../parts.ts'
import { putEntry, readEntry } from '../mounts/sealed-rows.ts'

/** When the barrier's key is rotated by itself: after so many encryptions, or after so long. */
export interface RotationPolicy {
  readonly maxOperations: number
  /** Seconds; 0: at no interval. */
  readonly interval: number
  /** Without it only the most that one key may ever seal brings a new one. */
  readonly enabled: boolean
}

/** Nine tenths of the 2^32 that NIST SP 800-38D §8.3 allows under one key; less often than once in the fewest would be rotation for its own sake. */
export const operationsMax = 3_865_470_566
export const operationsMin = 1_000_000
export const intervalMin = 86_400

const usual: RotationPolicy = { maxOperations: operationsMax, interval: 0, enabled: true }

const stored = z.object({ maxOperations: z.int(), interval: z.int(), enabled: z.boolean() })

const space = 'system'
const key = 'rotate-config'

export async function readRotationPolicy(parts: Pick<Parts, 'store' | 'barrier'>): Promise<RotationPolicy> {
  const entry = await readEntry(parts.store, parts.barrier, space, key)
  return entry ? stored.parse(entry.value) : usual
}

/** The change that writes it. */
export function putRotationPolicy(parts: Pick<Parts, 'barrier'>, policy: RotationPolicy) {
  return putEntry(parts.barrier, space, key, { ...policy } satisfies JsonObject)
}

/** Why the key is to be rotated now. */
export function rotationDue(
  policy: RotationPolicy,
  status: { readonly encryptions: number; readonly installedAt: Temporal.Instant },
  now: Temporal.Instant
): 'operations' | 'interval' | undefined {
  const { maxOperations, interval, enabled } = policy
  if (status.encryptions >= (enabled ? maxOperations : operationsMax)) return 'operations'
  const age = (now.epochMilliseconds - status.installedAt.epochMilliseconds) / 1_000
  return enabled && interval > 0 && age >= interval ? 'interval' : undefined
}

import type { Random } from '../contracts/index.ts'
import { rootKeyPlace } from './root-key.ts'
import { split } from './shamir.ts'
import type { ShamirConfig } from './shamir-config.ts'
import { sealUnderKey } from './under-key.ts'

export interface WrappedByShares {
  readonly wrapped: Uint8Array
  /** For the operators, once; kept nowhere. */
  readonly shares: readonly Uint8Array[]
}

/** Wraps the root key under a fresh unseal key and splits that. The shares never hold the root key, so new shares (rekey) end the old ones: the row that
 *  they open is gone. `UnsealAttempt` is the way back. */
export function wrapByShares(rootKey: Uint8Array, config: ShamirConfig, random: Random): WrappedByShares {
  const unsealKey = random.bytes(32)
  try {
    return { wrapped: sealUnderKey(unsealKey, rootKeyPlace, rootKey, random), shares: split(unsealKey, config, random) }
  } finally {
    unsealKey.fill(0)
  }
}

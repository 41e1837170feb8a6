import type { Hash } from './redact.ts'

// Display names, policies: a few hundred in a large installation. Beyond that they are hashed each time until the rest is forgotten.
const publicMax = 1_000

const publicHashes = new WeakMap<Hash, Map<string, string>>()

/** A hash costs 2 µs, and a lookup answers with nine texts, most of which the entry has elsewhere. Kept across requests: hashes of what stands in clear in the entry
 *  (names, policies), never of a secret. Kept for this request: those of its own token and accessor. */
export function knownHashes(
  hash: Hash,
  inClear: readonly (string | undefined)[],
  own: readonly (string | undefined)[]
): ReadonlyMap<string, string> {
  const shared = sharedOf(hash)
  const known = new Map<string, string>()
  for (const value of own) if (value) known.set(value, hash(value))
  for (const value of inClear) {
    if (!value || known.has(value)) continue
    const remembered = shared.get(value) ?? hash(value)
    shared.set(value, remembered)
    known.set(value, remembered)
  }
  return known
}

function sharedOf(hash: Hash): Map<string, string> {
  const shared = publicHashes.get(hash)
  if (shared && shared.size < publicMax) return shared
  const fresh = new Map<string, string>()
  publicHashes.set(hash, fresh)
  return fresh
}

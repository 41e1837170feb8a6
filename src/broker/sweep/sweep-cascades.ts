import type { Cascade } from '../../store/store.ts'
import type { Parts } from '../parts.ts'

// One statement over a million leases held the only writer for 21 s (measured); a thousand is some 20 ms.
const batchSizeMax = 1_000

/** One batch of each open cascade, so that a large one delays no other. True when there is more to do at once. */
export async function workCascades(parts: Parts, cascades: readonly Cascade[]): Promise<boolean> {
  let more = false
  for (const cascade of cascades) {
    const [result] = await parts.store.commit([{ kind: 'cascade.work', now: parts.clock.now(), id: cascade.id, limit: batchSizeMax }], [])
    await parts.at('cascade:after-each-batch')
    more ||= (result?.count ?? 0) > 0 || (result?.more ?? false)
  }
  return more
}

/** Ends a batch of tokens whose time is over; each opens a cascade of its own. */
export async function expireTokens(parts: Parts, any: boolean): Promise<boolean> {
  if (!any) return false
  const [result] = await parts.store.commit([{ kind: 'tokens.expire', now: parts.clock.now(), limit: batchSizeMax }], [])
  return (result?.count ?? 0) > 0
}

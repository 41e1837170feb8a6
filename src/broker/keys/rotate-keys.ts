import type { Parts } from '../parts.ts'
import { readRotationPolicy, rotationDue } from './rotation-policy.ts'

export async function rotateKeys(parts: Parts, cause: 'manual' | 'operations' | 'interval' | 'resumed'): Promise<void> {
  await parts.keys.rotate(term => parts.trail.key({ change: 'rotated', term, cause }))
  const { newest } = parts.keys.span
  parts.log.info('a new key seals from here on; what older ones have sealed is sealed anew in the background', { term: newest, cause })
}

/** One look, at intervals: the count of a day is far below the distance between the limit and what a key may ever seal. */
export async function rotateWhenDue(parts: Parts): Promise<void> {
  await parts.keys.reserve()
  const cause = rotationDue(await readRotationPolicy(parts), parts.barrier.keyStatus, parts.clock.now())
  if (cause) await rotateKeys(parts, cause)
}

import type { LeaseId, Random } from '../contracts/index.ts'
import { base62, randomBase62 } from './base62.ts'

const timeCharacters = 8
const randomCharacters = 16

/** `<path>/<24 base62 characters>`. The first eight count milliseconds, so that new rows of a role lie beside each other in the index and issuing costs the same
 *  at a thousand leases and at a million; the other sixteen are random (95 bits). Knowing an id gives no right, so a readable time gives nothing away. */
export function newLeaseId(path: string, now: Temporal.Instant, random: Random): LeaseId {
  return `${path}/${timePart(now.epochMilliseconds)}${randomBase62(random, randomCharacters)}` as LeaseId
}

function timePart(milliseconds: number): string {
  let text = ''
  for (let rest = milliseconds, i = 0; i < timeCharacters; i++) {
    text = base62[rest % 62]! + text
    rest = Math.floor(rest / 62)
  }
  return text
}

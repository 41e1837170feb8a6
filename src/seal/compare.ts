import { createHmac, timingSafeEqual } from 'node:crypto'

/** Whether two secrets are the same, in a time that tells nothing about them. `timingSafeEqual` alone throws on unequal lengths, and so tells the length; the
 *  hashes always have 32 bytes. Their key need not be secret: it only keeps these hashes apart from every other use. */
export function sameSecret(left: string | Uint8Array, right: string | Uint8Array): boolean {
  return timingSafeEqual(digest(left), digest(right))
}

function digest(secret: string | Uint8Array): Buffer {
  return createHmac('sha256', 'mayfly 1 compare').update(secret).digest()
}

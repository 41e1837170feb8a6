import type { Fault } from '../targets/fault.ts'

/** A named point of the broker at its n-th pass, the first byte of a reply with a credential, or something said on the wire to the target. */
export type NamedMoment =
  | { readonly point: string; readonly pass: number }
  | { readonly point: 'issue:after-first-reply-byte' }
  | { readonly point: string; readonly wire: Fault }

/** A moment to die: a named one, or so many milliseconds after traffic began; or before that, when such a part of the time of a start is over: a death among what sets right
 *  the death before. */
export type Moment = NamedMoment | { readonly afterMs: number; readonly partOfStart?: number }

export function atFirstPass(points: readonly string[]): readonly NamedMoment[] {
  return points.map(point => ({ point, pass: 1 }))
}

import type { Sighting, Usage } from '../contracts/index.ts'

/** What is known of the use of a lease's credential. Moments are milliseconds: it is kept as it stands. */
export interface LeaseUsage {
  readonly firstSeen: number | null
  readonly lastSeen: number | null
  readonly uses: number
  /** Shown to the target, which has not let it in or has not said so. */
  readonly offers: number
  readonly from: readonly string[]
}

export const unused: LeaseUsage = { firstSeen: null, lastSeen: null, uses: 0, offers: 0, from: [] }

// Whoever is seen from more places than this is seen from anywhere; the latest are kept.
export const placesMax = 16

// An address, or a region and a service; a target's text may be longer.
const placeCharsMax = 100

/** One use that the target told. */
export function withSighting(usage: LeaseUsage, { at, from, kind }: { at: number; from?: string; kind: Sighting['kind'] }): LeaseUsage {
  if (kind === 'offer') return { ...usage, offers: usage.offers + 1 }
  const seen = seenAt(withPlaces(usage, from === undefined ? [] : [from]), at, at)
  return kind === 'login' ? { ...seen, uses: usage.uses + 1 } : seen
}

/** What a look at the target found. Where it does not count, every look that finds a later use counts one. */
export function withObserved(usage: LeaseUsage, { firstSeen, lastSeen, uses, from = [] }: Observed): LeaseUsage {
  const later = lastSeen !== undefined && lastSeen > (usage.lastSeen ?? -Infinity)
  const counted = uses === undefined ? usage.uses + Number(later) : Math.max(usage.uses, uses)
  return { ...seenAt(withPlaces(usage, from), firstSeen ?? lastSeen, lastSeen ?? firstSeen), uses: counted }
}

type Observed = { readonly [K in keyof Usage]: Usage[K] extends Temporal.Instant | undefined ? number | undefined : Usage[K] }

function seenAt(usage: LeaseUsage, first: number | undefined, last: number | undefined): LeaseUsage {
  return {
    ...usage,
    firstSeen: least(usage.firstSeen, first),
    lastSeen: last === undefined ? usage.lastSeen : Math.max(usage.lastSeen ?? last, last)
  }
}

function least(known: number | null, other: number | undefined): number | null {
  return other === undefined ? known : Math.min(known ?? other, other)
}

function withPlaces(usage: LeaseUsage, places: readonly string[]): LeaseUsage {
  const cut = places.map(place => place.slice(0, placeCharsMax)).filter(place => place !== '')
  return cut.length === 0
    ? usage
    : { ...usage, from: [...new Set([...usage.from.filter(one => !cut.includes(one)), ...cut])].slice(-placesMax) }
}

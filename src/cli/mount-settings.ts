import type { JsonObject } from '../contracts/index.ts'
import type { Typed } from './typed.ts'

export const mountSettingOptions = {
  '--default-lease-ttl <time>': 'how long leases live, where the role says nothing',
  '--max-lease-ttl <time>': 'how long they live at most',
  '--listing-visibility <who>': 'unauth or hidden',
  '--reconcile <policy>': 'what has our mark in a target and no lease: report, adopt (it ends by its own time) or remove',
  '--reconcile-after <time>': 'how long it must have been seen without one before'
}

/** Only what was said; the rest stays as it is. */
export function mountSettings(typed: Typed): JsonObject {
  const said = {
    default_lease_ttl: typed.text('defaultLeaseTtl'),
    max_lease_ttl: typed.text('maxLeaseTtl'),
    listing_visibility: typed.text('listingVisibility'),
    reconcile: typed.text('reconcile'),
    reconcile_after: typed.text('reconcileAfter')
  }
  return Object.fromEntries(Object.entries(said).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

/** A mount's path as the routes want it. */
export function mountPath(text: string): string {
  return text.replace(/^\/+|\/+$/g, '')
}

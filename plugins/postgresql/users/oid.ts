import type { JsonObject } from 'mayfly/plugin'

/** The identity of a user at a server: a name can be given again, an OID is not. Undefined when the broker never learnt it. */
export function oidOf(handle: JsonObject): number | undefined {
  const oid = handle['oid']
  return typeof oid === 'number' && Number.isSafeInteger(oid) && oid > 0 ? oid : undefined
}

import type { Auth, Envelope } from '../client/envelope.ts'
import type { Json, JsonObject } from '../contracts/index.ts'

/** A reply as one flat map of names, as the clients of this API name them: what a table shows and `--field` picks from. */
export function replyFields(envelope: Envelope): JsonObject {
  return { ...leaseFields(envelope), ...authFields(envelope.auth), ...without(envelope.data, leaseFields(envelope)) }
}

function leaseFields({ lease_id, lease_duration, renewable }: Envelope): JsonObject {
  return lease_id === '' ? {} : { lease_id, lease_duration, lease_renewable: renewable }
}

function authFields(auth: Auth | null): JsonObject {
  if (auth === null) return {}
  return {
    token: auth.client_token,
    token_accessor: auth.accessor,
    token_duration: auth.lease_duration,
    token_renewable: auth.renewable,
    token_policies: auth.token_policies ?? [],
    identity_policies: auth.identity_policies ?? [],
    policies: auth.policies ?? [],
    ...Object.fromEntries(Object.entries(auth.metadata ?? {}).map(([key, value]) => [`token_meta_${key}`, value]))
  }
}

/** In order, and never in the place of what the envelope itself says. */
function without(data: JsonObject | null, taken: JsonObject): Readonly<Record<string, Json>> {
  const entries = Object.entries(data ?? {}).filter(([key]) => !Object.hasOwn(taken, key))
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

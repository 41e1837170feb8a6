import type { Auth, Envelope } from '../client/envelope.ts'
import type { Json, JsonObject } from '../contracts/index.ts'

/** A reply as one flat map of names, as the clients of this API name them: what a table shows and `--field` picks from. */
export function replyFields(envelope: Envelope): JsonObject {
  return {
    ...wrapFields(envelope.wrap_info),
    ...leaseFields(envelope),
    ...authFields(envelope.auth),
    ...without(envelope.data, leaseFields(envelope))
  }
}

function wrapFields(info: JsonObject | null): JsonObject {
  const { ttl, creation_time, creation_path, wrapped_accessor, token, accessor } = info ?? {}
  const fields = {
    wrapping_token: token,
    wrapping_accessor: accessor,
    wrapping_token_ttl: ttl,
    wrapping_token_creation_time: creation_time,
    wrapping_token_creation_path: creation_path,
    wrapped_accessor
  }
  return Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, Json] => entry[1] !== undefined))
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

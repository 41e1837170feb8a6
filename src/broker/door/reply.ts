import { BrokerError } from '../../contracts/index.ts'
import type { JsonObject, Operation, Secret } from '../../contracts/index.ts'
import type { Outcome, Reply, WireRequest } from './request.ts'

/** A credential as `issue` made it. */
export interface IssuedOutcome {
  readonly issued: { readonly id: string; readonly renewable: boolean; readonly seconds: number; readonly data: Secret<JsonObject> }
  readonly warnings: readonly string[]
}

/** What the outcome is on the wire: 404 for a read of nothing and an empty list, 204 for a write that says nothing, 200 with a warning for fields that no one knows, but
 *  never a body that would not be there otherwise. */
export function toReply(request: WireRequest, operation: Operation, outcome: Outcome | IssuedOutcome, unknown: readonly string[]): Reply {
  const requestId = request.id
  if (outcome && 'reply' in outcome) return { ...outcome.reply, requestId }
  if (outcome === undefined || ('keys' in outcome && outcome.keys.length === 0)) {
    if (operation === 'read' || operation === 'list') throw new BrokerError('nothing_there', '')
    return { requestId, status: 204, ...(unknown.length > 0 ? { ignored: unknown } : {}) }
  }
  const warnings = allWarnings('warnings' in outcome ? outcome.warnings : undefined, unknown)
  const withWarnings = warnings.length > 0 ? { warnings } : {}
  if ('issued' in outcome) {
    const { data, ...lease } = outcome.issued
    return { requestId, status: 200, lease, data, ...withWarnings }
  }
  if ('keys' in outcome)
    return {
      requestId,
      status: 200,
      data: { keys: outcome.keys, ...(outcome.keyInfo ? { key_info: outcome.keyInfo } : {}) },
      ...withWarnings
    }
  if ('raw' in outcome) {
    const { raw: body, type, etag } = outcome
    return { requestId, status: 200, raw: { body, type, ...(etag === undefined ? {} : { etag }) } }
  }
  if ('stream' in outcome) return { requestId, status: 200, stream: outcome.stream }
  if ('auth' in outcome) return { requestId, status: 200, auth: outcome.auth, ...withWarnings }
  if ('lease' in outcome) return { requestId, status: 200, lease: outcome.lease, ...withWarnings }
  if ('status' in outcome) return { requestId, status: outcome.status, ...(outcome.data ? { data: outcome.data } : {}), ...withWarnings }
  if ('data' in outcome) return { requestId, status: 200, data: outcome.data, ...withWarnings }
  if ('wait' in outcome) throw new Error('an outcome that waits was not waited for')
  return { requestId, status: 200, ...withWarnings }
}

function allWarnings(own: readonly string[] | undefined, unknown: readonly string[]): readonly string[] {
  if (unknown.length === 0) return own ?? []
  return [...(own ?? []), `Endpoint ignored these unrecognized parameters: [${unknown.join(' ')}]`]
}

import { BrokerError } from '../contracts/index.ts'
import type { WireRequest } from '../broker/door/request.ts'
import type { WirePath } from './read-path.ts'
import type { WireQuery } from './read-query.ts'

type Operation = WireRequest['operation']

/** What a method asks for. Both write verbs mean the same, everywhere; operations of the inside (renew, revoke, rollback) have no method. */
export function readOperation(method: string | undefined, { folder }: WirePath, query: WireQuery): Operation {
  switch (method) {
    case 'GET':
      return readsOf(query)
    case 'LIST':
      return 'list'
    case 'POST':
    case 'PUT':
      return written('write', folder)
    case 'PATCH':
      return written('patch', folder)
    case 'DELETE':
      return 'delete'
    case 'OPTIONS':
      throw new BrokerError('invalid_request', 'cannot handle internal-only request operation')
    case undefined:
    default:
      throw new BrokerError('unsupported_operation', '')
  }
}

/** A GET may be a list: proxies drop the unusual method. It may also ask for all below, and must never be answered with a fresh credential then. */
function readsOf({ list, scan }: WireQuery): Operation {
  if (scan) throw new BrokerError('unsupported_operation', 'scan is not offered')
  return list ? 'list' : 'read'
}

function written(operation: Operation, folder: boolean): Operation {
  if (folder) throw new BrokerError('invalid_request', "cannot write to a path ending in '/'")
  return operation
}

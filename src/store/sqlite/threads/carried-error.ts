import { BrokerError, unhandled } from '../../../contracts/index.ts'
import type { ErrorCode } from '../../../contracts/index.ts'
import type { Change } from '../../change.ts'
import { LostCondition } from '../../store.ts'

/** An error on its way across a thread: structured clone would make a plain Error of it. */
export type CarriedError =
  | { readonly is: 'lost'; readonly change: Change['kind']; readonly code: ErrorCode; readonly message: string }
  | { readonly is: 'broker'; readonly code: ErrorCode; readonly message: string; readonly cause: string | undefined }
  | { readonly is: 'bug'; readonly message: string; readonly stack: string | undefined }

export function carryError(error: unknown): CarriedError {
  if (error instanceof LostCondition) return { is: 'lost', change: error.change, code: error.code, message: error.message }
  if (error instanceof BrokerError) {
    return { is: 'broker', code: error.code, message: error.message, cause: error.cause instanceof Error ? error.cause.message : undefined }
  }
  return error instanceof Error
    ? { is: 'bug', message: error.message, stack: error.stack }
    : { is: 'bug', message: 'the store failed', stack: undefined }
}

export function arrivedError(carried: CarriedError): Error {
  switch (carried.is) {
    case 'lost':
      return new LostCondition(carried.change, carried.code, carried.message)
    case 'broker':
      return new BrokerError(carried.code, carried.message, carried.cause === undefined ? {} : { cause: new Error(carried.cause) })
    case 'bug': {
      const error = new Error(carried.message)
      if (carried.stack !== undefined) error.stack = carried.stack
      return error
    }
    default:
      return unhandled(carried)
  }
}

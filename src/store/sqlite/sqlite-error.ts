import { BrokerError } from '../../contracts/index.ts'

// Result codes of SQLite; the extended ones carry them in the low byte.
const busy = 5
const ioError = 10
const corrupt = 11
const full = 13
const notDatabase = 26
// SQLITE_IOERR_WRITE
const writeError = 778

export function isFull(error: unknown): boolean {
  return resultCode(error) === full
}

/** Somebody else has the lock. */
export function isBusy(error: unknown): boolean {
  return resultCode(error) === busy
}

/** A write that the kernel refused, for whatever reason: of its errors SQLite tells only the full disk by name. */
export function isRefusedWrite(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === writeError
}

/** After one of these nothing that the connection says can be believed. */
export function isDamage(error: unknown): boolean {
  const code = resultCode(error)
  return code === ioError || code === corrupt || code === notDatabase
}

export function storeError(message: string, cause: unknown): BrokerError {
  return new BrokerError('store_unreachable', message, { cause })
}

function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined
  return error.errcode & 0xff
}

/** The only place where errors meet HTTP. A code says the status; what a fault leaned on stays in the log. */
import type { ServerResponse } from 'node:http'
import { BrokerError, errorStatus } from '../contracts/index.ts'
import type { ErrorCode, JsonObject, Log } from '../contracts/index.ts'
import { writeErrors } from './wire.ts'

/** What the log may say of a request: never its query, never its body. */
export interface Asked {
  readonly requestId: string
  readonly method: string
  /** `undefined` while nobody could read it. */
  readonly path: string | undefined
  readonly startedMs: number
}

export function writeProblem(response: ServerResponse, error: unknown, asked: Asked, log: Log): void {
  const { status, errors, headers } = problemOf(error, asked.path)
  if (status >= 500) record(log, error, status, asked)
  writeErrors(response, status, errors, headers)
}

interface Problem {
  readonly status: number
  readonly errors: readonly string[]
  readonly headers: readonly string[]
}

function problemOf(error: unknown, path: string | undefined): Problem {
  if (!(error instanceof BrokerError)) return { status: 500, errors: [inside], headers: [] }
  const { code, message } = error
  const text = fixedText[code] ?? message
  return { status: statusOf(code, path ?? ''), errors: text === '' ? [] : [text], headers: retryAfter(error) }
}

const inside = 'internal error'

/** Whatever was said: no reply tells about folders, key ids or what a sealed server lacks, and a miss is exactly `{"errors":[]}`. */
const fixedText: Partial<Record<ErrorCode, string>> = {
  nothing_there: '',
  store_unreachable: inside,
  audit_unreachable: inside,
  integrity: inside,
  sealed: 'Vault is sealed'
}

/** Where the wire is odd: below these paths a conflict and a failing target are the caller's 400. Clients would repeat a 500, and the sweeper goes on anyway. */
const toleratedBelow = ['sys/leases/', 'sys/mounts/', 'sys/auth/']
const tolerated: ReadonlySet<ErrorCode> = new Set([
  'conflict',
  'target_refused',
  'target_unreachable',
  'target_silent',
  'target_rate_limited'
])

function statusOf(code: ErrorCode, path: string): number {
  return tolerated.has(code) && toleratedBelow.some(start => path.startsWith(start)) ? 400 : errorStatus[code]
}

function retryAfter({ code, retryAfter }: BrokerError): readonly string[] {
  const seconds = retryAfter ?? (code === 'quota_exceeded' ? 1 : undefined)
  return seconds === undefined ? [] : ['Retry-After', String(Math.ceil(seconds))]
}

/** A sealed server and a held one say so by themselves: their callers are no events. */
function record(log: Log, error: unknown, status: number, { requestId, method, path, startedMs }: Asked): void {
  if (error instanceof BrokerError && (error.code === 'sealed' || error.code === 'held')) return
  const fields: JsonObject = { request_id: requestId, method, path: path ?? null, status, ms: Math.round(performance.now() - startedMs) }
  if (error instanceof BrokerError) log.warn('a request failed', fields, error)
  else log.error('a request met a bug', fields, error)
}

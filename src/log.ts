import { pino } from 'pino'
import { BrokerError } from './contracts/index.ts'
import type { JsonObject, Log } from './contracts/index.ts'

/** Structured logs on standard error: one JSON line each. Of an error its name, code, message and stack; never its other properties, where drivers keep statements
 *  and hosts. */
export function createLog(level: string): Log {
  const logger = pino(
    { level, base: null, timestamp: () => `,"time":"${new Date().toISOString()}"`, formatters: { level: label => ({ level: label }) } },
    pino.destination({ fd: 2, sync: false })
  )
  return {
    info: (event, given) => logger.info(fields(given), event),
    warn: (event, given, error) => logger.warn(fields(given, error), event),
    error: (event, given, error) => logger.error(fields(given, error), event)
  }
}

function fields(given: JsonObject = {}, error?: unknown): JsonObject {
  return error === undefined ? given : { ...given, error: describe(error) }
}

const causesMax = 4

function describe(error: unknown, depth = 0): JsonObject {
  if (!(error instanceof Error)) return { message: 'not an error object' }
  const code = error instanceof BrokerError || 'code' in error ? { code: String((error as { code?: unknown }).code) } : {}
  const cause = error.cause !== undefined && depth < causesMax ? { cause: describe(error.cause, depth + 1) } : {}
  return {
    name: error.name,
    ...code,
    message: error.message.slice(0, 500),
    stack: (error.stack ?? '').split('\n').slice(1, 6).join('\n'),
    ...cause
  }
}

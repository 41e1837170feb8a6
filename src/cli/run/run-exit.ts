import { ClientError, Denied, Sealed, Unreachable } from '../../client/index.ts'
import { BrokerError } from '../../contracts/index.ts'
import { UsageError } from '../usage-error.ts'

/** Codes that no program's own end can be taken for: those of signals end below 200. 126 and 127 are what a shell says. */
export const runExit = {
  notExecutable: 126,
  notFound: 127,
  usage: 200,
  noServer: 201,
  loginRefused: 202,
  denied: 203,
  notIssued: 204
} as const

export const runExitHelp = `Exit code: that of the command; 128 + n when the signal n ended it. When it was never started: 126 and 127 as in a shell,
200 wrong usage, 201 no server or sealed, 202 the login was refused, 203 denied, 204 nothing was issued.`

/** The command was not started. */
export class RunFailure extends Error {
  readonly code: number

  constructor(code: number, message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

export function codeOf(error: unknown): number {
  if (error instanceof RunFailure) return error.code
  if (error instanceof UsageError || error instanceof BrokerError) return runExit.usage
  if (error instanceof Unreachable || error instanceof Sealed) return runExit.noServer
  if (error instanceof ClientError && 'path' in error && /^auth\/.*\/login$/.test(String(error.path))) return runExit.loginRefused
  return error instanceof Denied ? runExit.denied : runExit.notIssued
}

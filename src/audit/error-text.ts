import { BrokerError } from '../contracts/errors.ts'

const messageLengthMax = 500
const nothingMore = 'Error'

/** What audit, lease rows and lists say of an error. A driver's own message quotes SQL, hosts, sometimes passwords: of a foreign error only its class and code are told. */
export function errorText(error: unknown): string {
  if (!(error instanceof BrokerError)) return foreign(error)
  const cause = error.cause === undefined || error.cause instanceof BrokerError ? nothingMore : foreign(error.cause)
  return `${error.code}: ${masked(error.message)}${cause === nothingMore ? '' : ` (${cause})`}`
}

function foreign(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  const { code } = error as { code?: unknown }
  const name = /^\w{1,40}$/.test(error.name) ? error.name : 'Error'
  // A system error (`ECONNREFUSED`) or an SQLSTATE (`28P01`).
  return typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? `${name} ${code}` : name
}

/** A second line of defence: a BrokerError carries no secret, unless a plugin's author was careless. */
function masked(message: string): string {
  return message
    .slice(0, messageLengthMax)
    .replace(/:\/\/[^\s/@]*@/g, '://[masked]@')
    .replace(
      /\b(password|secret|token|passwd|pwd)(["']?\s*[=:]\s*|\s+)("[^"]*"|'[^']*'|[^\s,;]+)/gi,
      (all, word: string, between: string, value: string) => (/[=:"']/.test(between + value[0]) ? `${word}${between}[masked]` : all)
    )
}

import { Unreachable } from './client-error.ts'
import type { WhyUnreachable } from './client-error.ts'

const byCode: Readonly<Record<string, WhyUnreachable>> = {
  ECONNREFUSED: 'refused',
  ENOTFOUND: 'unknown host',
  EAI_AGAIN: 'unknown host',
  EPROTO: 'no TLS',
  ERR_SSL_WRONG_VERSION_NUMBER: 'no TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'no TLS',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'untrusted certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'untrusted certificate',
  ERR_TLS_CERT_ALTNAME_INVALID: 'untrusted certificate',
  ETIMEDOUT: 'silent'
}

/** What a failed connection means, by the code of its error and never by its text. */
export function unreachable(error: unknown, address: URL, overTime: boolean): Unreachable {
  return new Unreachable(overTime ? 'silent' : why(codeOf(error)), address.href.replace(/\/$/, ''), error)
}

function why(code: string): WhyUnreachable {
  return byCode[code] ?? (/^(CERT_|UNABLE_TO_|INVALID_CA|PATH_LENGTH|HOSTNAME_MISMATCH)/.test(code) ? 'untrusted certificate' : 'broken')
}

/** A host with several addresses fails with one error for each of them. */
function codeOf(error: unknown): string {
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error
  const { code } = (first ?? {}) as { readonly code?: unknown }
  return typeof code === 'string' ? code : ''
}

import { BrokerError } from 'mayfly/plugin'
import { parseAddress } from './address.ts'
import { principalsMax } from './certificate.ts'
import type { CertificateKind } from './certificate.ts'

// Linux's limit of a login name with room to spare, and that of a DNS name.
const bytesMax = { user: 64, host: 253 } as const

/** A certificate without principals is good for everybody wherever `authorized_keys` trusts the CA (up to OpenSSH 10.2), and a comma is split there: `a,root` is root. */
export function requirePrincipals(kind: CertificateKind, principals: readonly string[]): void {
  if (principals.length === 0) throw refusal('a certificate without principals is never signed')
  if (principals.length > principalsMax) throw refusal(`${principals.length} principals, at most ${principalsMax} can be read by a host`)
  for (const principal of principals) requirePrincipal(kind, principal)
}

export function requirePrincipal(kind: CertificateKind, principal: string): void {
  const reason = whatIsWrong(kind, principal)
  if (reason) throw refusal(`${JSON.stringify(principal.slice(0, 80))} ${reason}`)
}

function whatIsWrong(kind: CertificateKind, principal: string): string | undefined {
  if (principal === '') return 'is empty'
  if (principal.length > bytesMax[kind]) return `is longer than ${bytesMax[kind]} bytes`
  if (!/^[\x21-\x7e]+$/.test(principal)) return 'holds blanks, control characters or non-ASCII'
  if (/[,*?!"]/.test(principal)) return 'holds one of , * ? ! "'
  if (/^[-#]/.test(principal)) return 'begins with - or #'
  if (/\{\{|\}\}/.test(principal)) return 'is a template that was not filled in'
  return kind === 'host' ? whatIsWrongWithHost(principal) : undefined
}

/** Clients compare with the name as typed in lower case: other spellings match nothing, or what nobody meant. */
function whatIsWrongWithHost(name: string): string | undefined {
  if (name.includes(':')) return parseAddress(name) ? undefined : 'is no host name or address: a port does not belong here'
  if (/[A-Z]/.test(name)) return 'must be in lower case'
  if (name.endsWith('.')) return 'must not end with a dot'
  return name.split('.').every(label => /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/.test(label)) ? undefined : 'is no host name'
}

function refusal(reason: string): BrokerError {
  return new BrokerError('invalid_request', `valid_principals: ${reason}`)
}

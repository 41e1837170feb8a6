/** Lines of the files by which ssh, sshd and `ssh-keygen -Y verify` trust keys. */
import { BrokerError } from 'mayfly/plugin'
import { writeKeyLine } from './key-line.ts'
import type { PublicKey } from './public-key.ts'

// Name or `[name]:port`, with wildcards.
const hostPattern = /^!?(?:[a-z0-9*?._-]+|\[[a-z0-9*?._:-]+\]:[0-9]{1,5})$/
const namespacePattern = /^[a-z0-9@._-]+$/i

/** `known_hosts`: certificates of this CA speak for these names. Never for every name: who runs this CA could be every host. */
export function certAuthorityLine(patterns: readonly string[], ca: PublicKey, comment = ''): string {
  if (patterns.length === 0) throw refusal('patterns: name at least one')
  for (const pattern of patterns) requirePattern(pattern)
  return `@cert-authority ${patterns.join(',')} ${writeKeyLine(ca, comment)}`
}

/** `known_hosts`: this host key, or everything that this CA has signed, is refused everywhere. */
export function revokedLine(key: PublicKey, comment = ''): string {
  return `@revoked * ${writeKeyLine(key, comment)}`
}

/** `allowed_signers`: this key signs as `identity`, for these purposes alone. */
export function allowedSignerLine(identity: string, namespaces: readonly string[], key: PublicKey): string {
  if (!namespacePattern.test(identity)) throw refusal('identity: letters, digits and @ . _ - are expected')
  if (namespaces.length === 0 || !namespaces.every(one => namespacePattern.test(one)))
    throw refusal('namespaces: letters, digits and @ . _ - are expected')
  return `${identity} namespaces="${namespaces.join(',')}" ${writeKeyLine(key)}`
}

function requirePattern(pattern: string): void {
  const shown = JSON.stringify(pattern.slice(0, 80))
  if (!hostPattern.test(pattern)) throw refusal(`patterns: ${shown} is no host pattern in lower case, such as *.prod.example.com`)
  const name = pattern.replace(/^!?\[?/, '').replace(/\]:[0-9]+$/, '')
  if (!/[a-z0-9]/.test(name)) throw refusal(`patterns: ${shown} is every host: name a domain of yours`)
}

function refusal(reason: string): BrokerError {
  return new BrokerError('invalid_request', reason)
}

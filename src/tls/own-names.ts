import { isIP } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'
import { BrokerError } from '../contracts/index.ts'

const loopback = ['localhost', '127.0.0.1', '::1']

/** The names and addresses under which clients may reach a listener: what the operator named, what it is bound to, this machine. Rejects what is neither, by name. */
export function ownNames(host: string, more: readonly string[]): readonly string[] {
  const odd = more.find(name => isIP(name) === 0 && !isDnsName(name))
  if (odd !== undefined)
    throw new BrokerError('invalid_request', `listener.tls.auto: ${JSON.stringify(odd)} is neither a DNS name nor an IP address`)
  const bound = host === '0.0.0.0' || host === '::' ? addresses() : [host]
  const machine = isDnsName(hostname()) ? [hostname()] : []
  return [...new Set([...more, ...bound, ...machine, ...loopback].map(canonical))].filter(name => isIP(name) > 0 || isDnsName(name))
}

/** An IPv6 address has many spellings, one with dots among them; a zone is this machine's own affair. */
function canonical(name: string): string {
  return isIP(name) === 6 ? new URL(`http://[${name.replace(/%.*/, '')}]`).hostname.slice(1, -1) : name.toLowerCase()
}

function isDnsName(name: string): boolean {
  return name.length <= 253 && /^(\*\.)?([a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(name)
}

/** Link-local ones change with every start and need a zone anyway. */
function addresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap(list => list ?? [])
    .filter(({ address, internal }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address)
}

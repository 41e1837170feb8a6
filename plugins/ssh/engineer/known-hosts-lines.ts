import { parseKeyLine } from '../format/key-line.ts'
import { certAuthorityLine } from '../format/trust-lines.ts'

/** Lines of known_hosts: for these hosts, and no others, the broker's signature on a host key counts. */
export function knownHostsLines(patterns: readonly string[], hostKeys: readonly string[]): string {
  // An IPv6 address alone can stand in no pattern.
  const usable = [
    ...new Set(patterns.map(pattern => pattern.toLowerCase()).filter(pattern => !pattern.includes(':') || pattern.startsWith('[')))
  ]
  if (usable.length === 0) return ''
  return hostKeys.map(line => `${certAuthorityLine(usable, parseKeyLine(line).key, 'mayfly')}\n`).join('')
}

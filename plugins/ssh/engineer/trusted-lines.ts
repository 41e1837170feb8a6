import type { Access } from './access.ts'
import { knownHostsLines } from './known-hosts-lines.ts'

/** Lines of known_hosts. Each mount's CA speaks for the hosts of this mount: who rules one of them must not be every host of another. For patterns that were typed, all that were asked do; `--mount` says which. */
export function trustedLines(access: readonly Access[], typed: readonly string[] | undefined): string {
  if (typed) return knownHostsLines(typed, [...new Set(access.flatMap(({ hostKeys }) => hostKeys))])
  return access
    .map(({ hosts, hostKeys }) => {
      const names = hosts.flatMap(one => (one.certified ? [one.host, ...one.names] : []))
      return knownHostsLines([...new Set(names)], hostKeys)
    })
    .join('')
}

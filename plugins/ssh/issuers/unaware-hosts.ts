import type { MountReader } from 'mayfly/plugin'
import { hostNames, readHost } from '../hosts/host-rows.ts'
import type { Issuer } from './issuer.ts'

// Each costs a read: a rotation of a larger fleet is told about these.
const hostsLookedAtMax = 1_000
const hostsNamedMax = 5

/** A sentence on the hosts that have not asked what to trust since there is this issuer: they would refuse what it signs. Undefined: there are none. */
export async function unawareHosts(storage: MountReader, { name, id, madeAt }: Issuer): Promise<string | undefined> {
  const unaware: string[] = []
  for (const host of await hostNames(storage, { limit: hostsLookedAtMax })) {
    const enrolled = (await readHost(storage, host))?.host.enrolled
    if (enrolled && Temporal.Instant.from(enrolled.seenAt).epochMilliseconds < madeAt * 1_000) unaware.push(host)
  }
  if (unaware.length === 0) return undefined
  const others = unaware.length > hostsNamedMax ? ` and ${unaware.length - hostsNamedMax} others` : ''
  return `hosts that have not asked since there is the issuer ${name || id}, and refuse what it signs: ${unaware.slice(0, hostsNamedMax).join(', ')}${others}`
}

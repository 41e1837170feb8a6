import type { MountReader } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { certificateNames } from '../use/find-certificate.ts'
import type { NamedCertificate } from '../use/find-certificate.ts'

/** What the scripts of hosts keep, a line each: CA, serial, when it ends in seconds, `good` or `ended`. Of a certificate of another CA nothing is said; of one of ours that nobody remembers, that it has ended: it did so long ago, and why is not known any more. */
export async function certificateEnds(
  { context }: Engine,
  storage: MountReader,
  certificates: readonly NamedCertificate[]
): Promise<readonly string[]> {
  const names = await certificateNames(storage, certificates)
  const leases = await context.leases.named([...new Set(names.filter(name => name !== undefined))])
  const byName = new Map(leases.map(lease => [lease.name, lease]))
  return certificates.flatMap(({ ca, serial }, at) => {
    const name = names[at]
    if (name === undefined) return []
    const lease = byName.get(name)
    if (!lease) return [`${ca} ${serial} 0 ended`]
    return [`${ca} ${serial} ${Math.floor(lease.until.epochMilliseconds / 1_000)} ${lease.endedEarly ? 'ended' : 'good'}`]
  })
}

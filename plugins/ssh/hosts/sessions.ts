import { path, z } from 'mayfly/plugin'
import type { MountReader, Path } from 'mayfly/plugin'
import { certificateNames } from '../use/find-certificate.ts'
import type { NamedCertificate } from '../use/find-certificate.ts'
import type { Engine } from '../engine.ts'
import { messageFields } from './host-message.ts'
import { knownHost } from './known-host.ts'
import { parseSaid } from './parse-said.ts'

// The script asks for 200.
const certificatesMax = 500

const asked = z.object({
  certificates: z
    .array(
      z.object({
        ca: z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'a fingerprint was expected'),
        serial: z.string().regex(/^\d{1,20}$/, 'a serial was expected')
      })
    )
    .max(certificatesMax)
})

/** `hosts/:host/sessions`: when the certificates end whose sessions a host has, and which of them were ended before. The list of the revoked forgets a certificate an hour after its time; a host that was cut
 *  off for longer learns here what it has missed. */
export function sessionsPath(engine: Engine): Path {
  return path({
    pattern: 'hosts/:host/sessions',
    summary: 'a host asks what has become of the certificates whose sessions it has',
    open: true,
    counted: true,
    fields: messageFields,
    write: async ({ params, fields }, storage) => {
      const { said } = await knownHost(engine, storage, fields, 'sessions', params['host'] ?? '')
      const { certificates } = parseSaid(asked, said)
      const lines = await whatBecameOf(engine, storage, certificates)
      return { raw: Buffer.from(lines.map(line => `certificate ${line}\n`).join('')), type: 'text/plain' }
    }
  })
}

/** Of a certificate of another CA nothing is said; of one of ours that nobody remembers, that it has ended: it did so long ago, and why is not known any more. */
async function whatBecameOf(
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

import { path, z } from 'mayfly/plugin'
import type { Path } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { certificateEnds } from './certificate-ends.ts'
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
      const lines = await certificateEnds(engine, storage, certificates)
      return { raw: Buffer.from(lines.map(line => `certificate ${line}\n`).join('')), type: 'text/plain' }
    }
  })
}

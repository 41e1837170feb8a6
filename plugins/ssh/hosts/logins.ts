import { path, z } from 'mayfly/plugin'
import type { Path } from 'mayfly/plugin'
import { parseAddress } from '../format/address.ts'
import { certificateNames } from '../use/find-certificate.ts'
import { messageFields } from './host-message.ts'
import type { Engine } from '../engine.ts'
import { writeHost } from './host-rows.ts'
import { knownHost } from './known-host.ts'
import { parseSaid } from './parse-said.ts'

// The script sends 200.
const loginsMax = 500
// A host's clock may be ahead; a use of tomorrow would be the last one for ever.
const aheadMsMax = 60_000

// The last that Temporal knows.
const secondsMax = 8_640_000_000_000

const reported = z.object({
  logins: z
    .array(
      z.object({
        event: z.enum(['login', 'logout'], 'expected "login" or "logout"'),
        at: z.int().min(0).max(secondsMax),
        ca: z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'a fingerprint was expected'),
        serial: z.string().regex(/^\d{1,20}$/, 'a serial was expected'),
        user: z.string().max(256),
        from: z.string().max(64)
      })
    )
    .max(loginsMax)
})

/** `hosts/:host/logins`: who came in with a certificate, as the host's log says, and who went. A batch is sent until it is taken, and counts once. */
export function loginsPath(engine: Engine): Path {
  return path({
    pattern: 'hosts/:host/logins',
    summary: 'a host says who logged in with a certificate',
    open: true,
    fields: messageFields,
    write: async ({ params, fields }, storage) => {
      const { name, host, enrolled, version, said } = await knownHost(engine, storage, fields, 'logins', params['host'] ?? '')
      const { logins } = parseSaid(reported, said)
      if (said.sequence <= enrolled.loginsSequence) return undefined
      writeHost(storage, name, { ...host, enrolled: { ...enrolled, loginsSequence: said.sequence } }, version, host)
      const latest = engine.context.clock.now().add({ milliseconds: aheadMsMax })
      const names = await certificateNames(storage, logins)
      for (const [index, { event, at, from }] of logins.entries()) {
        const name = names[index]
        const told = Temporal.Instant.fromEpochMilliseconds(at * 1_000)
        const seen = Temporal.Instant.compare(told, latest) > 0 ? latest : told
        if (name !== undefined) storage.used(name, { at: seen, kind: event, ...(parseAddress(from) && { from }) })
      }
      return undefined
    }
  })
}

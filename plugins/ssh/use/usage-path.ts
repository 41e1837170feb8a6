import { BrokerError, path, z } from 'mayfly/plugin'
import type { MountStorage, Path } from 'mayfly/plugin'
import { parseAddress } from '../format/address.ts'
import type { Engine } from '../engine.ts'
import { certificateNames } from './find-certificate.ts'

const eventsMax = 500
// A host's clock may be ahead; a use of tomorrow would be the last one for ever.
const aheadMsMax = 60_000

const event = z.object({
  ca: z.string().max(100),
  serial: z.string().max(20),
  event: z.enum(['login', 'logout', 'offer'], 'expected "login", "logout" or "offer"'),
  at: z.string().max(40),
  client: z.string().max(64).optional(),
  user: z.string().max(64).optional()
})
type UsageEvent = z.output<typeof event>

/** `usage`: who logged in with which certificate, from whoever reads the logs of hosts. A batch with a number counts once, however often it is sent: its sender sends it until it is taken. */
export function usagePath(engine: Engine): Path {
  return path({
    pattern: 'usage',
    summary: 'logins with certificates, as the logs of hosts tell them',
    fields: {
      host: z
        .string()
        .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/, 'a host name was expected')
        .optional(),
      batch: z.int('expected a number').min(1).optional(),
      events: z.array(event, 'expected a list of events').max(eventsMax, `at most ${eventsMax} events at a time`).optional()
    },
    write: async ({ fields: { host, batch, events = [] } }, storage) => {
      if (host === undefined) throw new BrokerError('invalid_request', 'host: missing')
      if (batch !== undefined && !(await isNewBatch(storage, host, batch))) return { data: { counted: 0, unknown: 0, repeated: true } }
      const names = await certificateNames(storage, events)
      const seen = events.map((one, i) => ({ name: names[i], ...sighting(engine, one) }))
      for (const { name, ...told } of seen) if (name !== undefined) storage.used(name, told)
      const unknown = names.filter(name => name === undefined).length
      return { data: { counted: events.length - unknown, unknown, repeated: false } }
    }
  })
}

/** The numbers of one host only grow. */
async function isNewBatch(storage: MountStorage, host: string, batch: number): Promise<boolean> {
  const key = `usage/${host}`
  const stored = await storage.get(key)
  if (batch <= ((stored?.value as number | undefined) ?? 0)) return false
  storage.put(key, batch, stored?.version ?? 0)
  return true
}

function sighting({ context }: Engine, { event: kind, at, client }: UsageEvent) {
  const latest = context.clock.now().add({ milliseconds: aheadMsMax })
  const told = instantOf(at)
  const from = client !== undefined && parseAddress(client) ? client : undefined
  return { kind, at: Temporal.Instant.compare(told, latest) > 0 ? latest : told, ...(from === undefined ? {} : { from }) }
}

function instantOf(text: string): Temporal.Instant {
  try {
    return Temporal.Instant.from(text)
  } catch (cause) {
    throw new BrokerError('invalid_request', 'events.at: expected a time such as 2026-01-01T12:00:00Z', { cause })
  }
}

import { BrokerError, field, goDuration, parseDuration, path } from 'mayfly/plugin'
import type { MountReader, Path } from 'mayfly/plugin'

const leaseKey = 'config/lease'

type LeaseConfig = { readonly lease: number; readonly leaseMax: number }

/** `config/lease`: how long the keys of IAM users live, and of nothing else. */
export const leasePath: Path = path({
  pattern: 'config/lease',
  summary: 'how long the keys of IAM users live',
  // Text, as there: what is no duration is refused in the words of the wire.
  fields: { lease: field.text(), lease_max: field.text() },
  exists: async (_, storage) => (await storage.get(leaseKey)) !== undefined,
  read: async (_, storage) => {
    const stored = await storage.get(leaseKey)
    if (!stored) return undefined
    const { lease, leaseMax } = stored.value as LeaseConfig
    return { data: { lease: inHours(lease), lease_max: inHours(leaseMax) } }
  },
  write: async ({ fields }, storage) => {
    const [lease, leaseMax] = [seconds('lease', fields.lease), seconds('lease_max', fields.lease_max)]
    if (lease > leaseMax) throw new BrokerError('invalid_request', 'lease: longer than lease_max')
    const stored = await storage.get(leaseKey)
    storage.put(leaseKey, { lease, leaseMax } satisfies LeaseConfig, stored?.version ?? 0)
    return undefined
  }
})

function seconds(name: string, given: string | undefined): number {
  const read = given === undefined ? undefined : parsed(name, given)
  if (!read) throw new BrokerError('invalid_request', `'${name}' is a required parameter`)
  return read
}

function parsed(name: string, text: string): number | undefined {
  try {
    return parseDuration(text)
  } catch (cause) {
    throw new BrokerError('invalid_request', `Invalid ${name}: ${cause instanceof Error ? cause.message : 'not a duration'}`, { cause })
  }
}

/** 0 where nothing was written: then the mount says. */
export async function readLease(storage: MountReader): Promise<LeaseConfig> {
  const stored = await storage.get(leaseKey)
  return stored ? (stored.value as LeaseConfig) : { lease: 0, leaseMax: 0 }
}

/** As Go writes a duration, with the units that `goDuration` leaves out: `30m0s`, `12h0m0s`. */
function inHours(seconds: number): string {
  const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60), seconds % 60]
  if (h > 0) return `${h}h${m}m${s}s`
  return m > 0 ? `${m}m${s}s` : goDuration(s)
}

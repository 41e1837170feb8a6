import { BrokerError, field, goDuration, path } from 'mayfly/plugin'
import type { MountReader, Path } from 'mayfly/plugin'

const leaseKey = 'config/lease'

type LeaseConfig = { readonly lease: number; readonly leaseMax: number }

/** `config/lease`: how long the keys of IAM users live, and of nothing else. */
export const leasePath: Path = path({
  pattern: 'config/lease',
  summary: 'how long the keys of IAM users live',
  fields: { lease: field.duration(), lease_max: field.duration() },
  exists: async (_, storage) => (await storage.get(leaseKey)) !== undefined,
  read: async (_, storage) => {
    const stored = await storage.get(leaseKey)
    if (!stored) return undefined
    const { lease, leaseMax } = stored.value as LeaseConfig
    return { data: { lease: inHours(lease), lease_max: inHours(leaseMax) } }
  },
  write: async ({ fields }, storage) => {
    if (!fields.lease) throw new BrokerError('invalid_request', "'lease' is a required parameter")
    if (!fields.lease_max) throw new BrokerError('invalid_request', "'lease_max' is a required parameter")
    if (fields.lease > fields.lease_max) throw new BrokerError('invalid_request', 'lease: longer than lease_max')
    const stored = await storage.get(leaseKey)
    storage.put(leaseKey, { lease: fields.lease, leaseMax: fields.lease_max } satisfies LeaseConfig, stored?.version ?? 0)
    return undefined
  }
})

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

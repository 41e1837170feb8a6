import type { Call } from '../../broker/door/core-path.ts'
import type { Outcome } from '../../broker/door/request.ts'
import { pageSizeMax } from '../../broker/door/page.ts'
import { BrokerError } from '../../contracts/index.ts'
import { stuckAfterTargetMs } from '../../lease/lease.ts'
import { revokeError } from './lease-details.ts'

interface Asked {
  readonly type?: string | undefined
  readonly limit?: string | undefined
}

// `limit=none` is still a number: a reply must not be as large as the store.
const noneMax = 100_000

/** The wire's word for stuck leases: shown, alerted, and still retried for ever. */
export async function countIrrevocable(call: Call<Asked>): Promise<Outcome> {
  if (call.fields.type !== 'irrevocable') return undefined
  const { counts } = await stuck(call, 1)
  return { data: { lease_count: total(counts), counts: byAccessor(call, counts) } }
}

export async function listIrrevocable(call: Call<Asked>): Promise<Outcome> {
  if (call.fields.type !== 'irrevocable') return undefined
  const limit = limitOf(call.fields.limit)
  const { leases, counts } = await stuck(call, limit)
  const shown = await Promise.all(
    leases.map(async lease => ({
      lease_id: lease.id,
      mount_id: accessorOf(call, lease.mount),
      error: (await revokeError(call.parts, lease)) ?? ''
    }))
  )
  const data = { lease_count: total(counts), leases: shown }
  return total(counts) > leases.length
    ? { data, warnings: [`${leases.length} of ${total(counts)} leases are shown: name a limit, or "none"`] }
    : { data }
}

async function stuck({ parts }: Call<unknown>, limit: number) {
  return parts.store.stuck(parts.clock.now().subtract({ milliseconds: stuckAfterTargetMs }), limit)
}

function limitOf(asked: string | undefined): number {
  if (asked === undefined || asked === '') return pageSizeMax
  if (asked === 'none') return noneMax
  if (!/^[1-9]\d{0,8}$/.test(asked)) throw new BrokerError('invalid_request', 'limit: expected a number above 0, or "none"')
  return Math.min(Number(asked), noneMax)
}

function byAccessor(call: Call<unknown>, counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).map(([mount, count]) => [accessorOf(call, mount), count]))
}

function accessorOf({ parts }: Call<unknown>, uuid: string): string {
  return parts.mounts.byUuid(uuid)?.record.accessor ?? uuid
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

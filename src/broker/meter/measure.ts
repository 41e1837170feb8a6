import { stuckAfterTargetMs } from '../../lease/lease.ts'
import type { Store, TargetLoad } from '../../store/store.ts'
import type { Parts } from '../parts.ts'

type LeaseCounts = Awaited<ReturnType<Store['leaseCounts']>>

/** One gauge with its values at one moment. */
export interface Gauged {
  readonly name: string
  readonly help: string
  readonly values: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]
}

// Series are for people and dashboards: the busiest targets, and a word when there are more.
const targetsMax = 100

/** What is not counted while it happens but asked for: rows that the transactions keep, heads of indexes. Nothing here walks leases. */
export async function measure(parts: Parts): Promise<readonly Gauged[]> {
  const { store, clock, time, sinks, mounts, barrier, keys } = parts
  const now = clock.now()
  const [counts, loads, stuck] = await Promise.all([
    store.leaseCounts(),
    store.targetLoads(now, targetsMax + 1),
    store.stuck(now.subtract({ milliseconds: stuckAfterTargetMs }), 1)
  ])
  const live = counts.filter(({ state }) => state !== 'revoked')
  const mountPath = (uuid: string) => mounts.byUuid(uuid)?.record.path ?? 'gone'
  return [
    one('vault_expire_num_leases', 'leases that are not revoked', sum(live.map(({ count }) => count))),
    one('vault_expire_num_irrevocable_leases', 'leases whose revocation fails; still retried', sum(Object.values(stuck.counts))),
    {
      name: 'mayfly_leases',
      help: 'leases by mount and state, history included',
      values: byMount(counts, mountPath)
    },
    ...targetGauges(loads, now),
    latencies(parts, loads),
    {
      name: 'mayfly_audit_lag_lines',
      help: 'lines that a sink has not taken yet',
      values: sinks.state.map(({ name, lag }) => ({ labels: { sink: name }, value: lag }))
    },
    {
      name: 'mayfly_audit_sink_failing',
      help: '1 while a sink fails',
      values: sinks.state.map(({ name, failing }) => ({ labels: { sink: name }, value: Number(failing) }))
    },
    one('mayfly_store_groups', 'group commits of this run: one fsync each', store.groups.groups),
    one('mayfly_store_group_calls', 'commits in them: divided by the groups, how many share an fsync', store.groups.calls),
    one('mayfly_clock_suspect', '1 while the clock of this host is not believed, and nothing is issued', Number(time.suspect())),
    one('mayfly_held', '1 while the store is held and only reads', Number(parts.hold.held !== undefined)),
    one('mayfly_sealed', '0: a sealed broker has no metrics', 0),
    one('mayfly_key_term', 'the key that seals', barrier.keyStatus.term),
    one('mayfly_key_encryptions', 'how often it has sealed', barrier.keyStatus.encryptions),
    one('mayfly_key_oldest_term', 'the oldest key that rows may still be under', keys.span.oldest)
  ]
}

/** Mounts that are gone are one series, and not one that each overwrites. */
function byMount(counts: LeaseCounts, pathOf: (uuid: string) => string): Gauged['values'] {
  const totals = new Map<string, Gauged['values'][number]>()
  for (const { mount, state, count } of counts) {
    const labels = { mount: pathOf(mount), state }
    const name = `${state} ${labels.mount}`
    totals.set(name, { labels, value: (totals.get(name)?.value ?? 0) + count })
  }
  return [...totals.values()]
}

function targetGauges(loads: readonly TargetLoad[], now: Temporal.Instant): readonly Gauged[] {
  const shown = loads.slice(0, targetsMax)
  const gauge = (name: string, help: string, value: (load: TargetLoad) => number): Gauged => ({
    name,
    help,
    values: shown.map(load => ({ labels: { target: load.id }, value: value(load) }))
  })
  const age = ({ oldestDue }: TargetLoad) => (oldestDue ? Math.max(0, now.epochMilliseconds - oldestDue.epochMilliseconds) / 1_000 : 0)
  return [
    gauge('mayfly_target_leases', 'leases that are not revoked', ({ live }) => live),
    gauge('mayfly_target_due_leases', 'leases to be revoked now; counting stops at 10000', ({ due }) => due),
    gauge('mayfly_target_oldest_due_seconds', 'how long the first of them has waited', age),
    gauge('mayfly_target_circuit_open', '1 while the target fails as a whole', ({ failing }) => Number(failing)),
    one(
      'mayfly_targets_not_shown',
      `1 when there are more than ${targetsMax} targets: the busiest are shown`,
      Number(loads.length > targetsMax)
    )
  ]
}

/** Of targets that this run has asked something; a target that was not asked has no latency, not one of 0. */
function latencies({ healths }: Parts, loads: readonly TargetLoad[]): Gauged {
  const values = loads.slice(0, targetsMax).flatMap(({ id }) => {
    const latencyMs = healths.latencyMs(id)
    return latencyMs === undefined ? [] : [{ labels: { target: id }, value: latencyMs / 1_000 }]
  })
  return { name: 'mayfly_target_latency_seconds', help: 'how long its latest calls took, the last weighing most', values }
}

/** A gauge without labels. */
export function one(name: string, help: string, value: number): Gauged {
  return { name, help, values: [{ labels: {}, value }] }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}

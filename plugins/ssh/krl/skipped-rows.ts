import type { BackendContext, Json, MountReader } from 'mayfly/plugin'

/** Serials, from and to. */
export type Ranges = readonly (readonly [number, number])[]
type Row = { readonly until: number; readonly ranges: Ranges }

// The hosts' clocks may be behind ours.
const keptAfterSeconds = 3_600

const prefix = (issuer: string): string => `krl/skipped/${issuer}/`

/** The row that has the numbers refused that were passed over, as long as a certificate of today can live. */
export function skippedRow(
  context: BackendContext,
  issuer: string,
  start: number,
  ranges: Ranges
): { readonly key: string; readonly value: Json } {
  const until = Math.floor(context.clock.now().epochMilliseconds / 1_000) + context.ttls().maxTtl + keptAfterSeconds
  return { key: `${prefix(issuer)}${start}`, value: { until, ranges } satisfies Row }
}

export async function readSkipped(
  storage: MountReader,
  issuer: string,
  nowSeconds: number
): Promise<{ readonly ranges: readonly { readonly first: bigint; readonly last: bigint }[]; readonly over: readonly string[] }> {
  const ranges: { first: bigint; last: bigint }[] = []
  const over: string[] = []
  for (let after = ''; ;) {
    const starts = await storage.list(prefix(issuer), { after })
    if (starts.length === 0) return { ranges, over }
    for (const start of starts) {
      const row = (await storage.get(prefix(issuer) + start))?.value as Row | undefined
      if (row && row.until > nowSeconds) ranges.push(...row.ranges.map(([first, last]) => ({ first: BigInt(first), last: BigInt(last) })))
      else over.push(prefix(issuer) + start)
    }
    after = starts.at(-1)!
  }
}

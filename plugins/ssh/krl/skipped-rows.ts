import type { BackendContext, MountReader, MountStorage } from 'mayfly/plugin'
import type { Skipped } from '../sign/serials.ts'

type Row = { readonly until: number; readonly ranges: Skipped }

const prefix = (issuer: string): string => `krl/skipped/${issuer}/`

/** Puts the numbers that were passed over on the list, with the request's own commit. True once that is committed. */
export async function putSkipped(
  { clock }: BackendContext,
  issuer: string,
  skipped: Skipped,
  maxTtl: number,
  storage: MountStorage
): Promise<boolean> {
  const key = `${prefix(issuer)}${skipped[0]![0]}`
  if (await storage.get(key)) return true
  const until = Math.floor(clock.now().epochMilliseconds / 1_000) + maxTtl
  storage.put(key, { until, ranges: skipped } satisfies Row)
  return false
}

export async function readSkipped(
  storage: MountReader,
  issuer: string,
  nowSeconds: number
): Promise<{ readonly ranges: readonly { readonly first: bigint; readonly last: bigint }[]; readonly over: readonly string[] }> {
  const ranges: { first: bigint; last: bigint }[] = []
  const over: string[] = []
  for (const from of await storage.list(prefix(issuer))) {
    const row = (await storage.get(prefix(issuer) + from))?.value as Row | undefined
    if (row && row.until > nowSeconds) ranges.push(...row.ranges.map(([first, last]) => ({ first: BigInt(first), last: BigInt(last) })))
    else over.push(prefix(issuer) + from)
  }
  return { ranges, over }
}

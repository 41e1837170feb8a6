import { poolSize } from './bench-broker.ts'
import type { BenchBroker } from './bench-broker.ts'
import { seedLeases } from './seed-leases.ts'
import type { SeedOptions } from './seed-leases.ts'
import type { Stand } from './stand.ts'

/** The paths that issue. */
export const issuingPaths = ['database/creds/app', 'users/creds/app'] as const

/** A broker over PostgreSQL and over the memory backend, with so many live leases beside those that it issues itself: half of them at each of its two targets, so that new
 *  rows lie among old ones in every index. Stopped. */
export async function seededBroker(stand: Stand, leases: number): Promise<BenchBroker & { readonly token: string }> {
  const broker = await stand.broker()
  await broker.useDatabase(await stand.postgres())
  await broker.useMemory()
  const token = await broker.applicationToken()
  const places = await Promise.all(issuingPaths.map(path => placeOf(broker, path)))
  await broker.stop()
  for (const place of places) if (leases > 0) seedLeases(broker.data, leases / places.length, { ...place, leasesPerToken: poolSize })
  return Object.assign(broker, { token })
}

/** Where a lease of this path lies, as one that was issued tells. */
async function placeOf({ api }: BenchBroker, path: string): Promise<SeedOptions> {
  await api.must('GET', path)
  const mountPath = path.slice(0, path.indexOf('/') + 1)
  const { data } = await api.must('GET', `sys/holdings?mount=${mountPath}&limit=1`)
  const { data: mount } = await api.must('GET', `sys/mounts/${mountPath}`)
  return { now: Temporal.Now.instant(), path, target: data.holdings[0].target, mount: mount.uuid }
}

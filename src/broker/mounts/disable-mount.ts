import { BrokerError } from '../../contracts/index.ts'
import type { Call } from '../door/core-path.ts'
import { mountRecordJson, parseMountRecord } from './mount.ts'
import type { MountRecord } from './mount.ts'
import { mountSpace } from './mount-storage.ts'
import { commit } from '../door/exchange.ts'
import type { Parts } from '../parts.ts'
import type { Outcome } from '../door/request.ts'
import { untilEnded } from '../leases/revoke.ts'
import { putEntry, readEntry } from './sealed-rows.ts'
import type { OpenedEntry } from './sealed-rows.ts'

/** Ends a mount: nothing new is issued from the first commit on, its leases are revoked in parallel, and the mount goes when they are gone. Of an auth method nobody
 *  gets in from that commit on, neither by a login nor with a token that it gave. While some are left the
 *  answer is 400 with their number; it goes all the same once they are. No lease is ever forgotten to be fast. */
export async function disableMount(call: Call<unknown>, record: MountRecord): Promise<Outcome> {
  const { parts } = call
  const row = await rowOf(parts, record)
  // Somebody was faster: it is gone, or another one stands in its place.
  if (!row) return undefined
  call.change(putEntry(parts.barrier, 'mount', record.path, mountRecordJson({ ...record, ending: true }), row.version))
  call.change({
    kind: 'cascade.open',
    selector: { kind: isAuth(record) ? 'auth' : 'mount', mount: record.uuid },
    cause: 'mount-disabled',
    by: call.identity.token?.displayName ?? ''
  })
  return {
    wait: async () => {
      parts.wake()
      const left = await untilEnded(parts, () => living(parts, record))
      if (left > 0)
        throw new BrokerError(
          'invalid_request',
          `failed to revoke ${left} ${isAuth(record) ? 'tokens' : 'leases'} of ${record.path}: the mount stays until they are gone, revoking goes on`
        )
      await dropMount(parts, record)
      return undefined
    }
  }
}

/** The mounts whose leases were not gone in time for the answer, or whose broker died meanwhile. */
export async function finishEndings(parts: Parts): Promise<void> {
  for (const { record } of parts.mounts.all) if (record.ending && (await living(parts, record)) === 0) await dropMount(parts, record)
}

function isAuth({ path }: MountRecord): boolean {
  return path.startsWith('auth/')
}

/** What still hangs on it: leases on a backend; on an auth method the tokens that it gave, which take their leases with them. */
function living({ store }: Parts, record: MountRecord): Promise<number> {
  return isAuth(record) ? store.liveLogins(record.uuid) : store.liveAtMount(record.uuid)
}

// One statement over the secret ids of a large fleet would hold the only writer for seconds.
const thinRowsMax = 2_000

async function dropMount(parts: Parts, record: MountRecord): Promise<void> {
  if (isAuth(record)) await thinOut(parts, record)
  const row = await rowOf(parts, record)
  const now = parts.clock.now()
  const space = { kind: 'space.drop', now, space: mountSpace(record.uuid), mount: record.uuid } as const
  try {
    await commit(
      parts,
      row ? [space, { kind: 'entry.remove', now, space: 'mount', key: record.path, expected: row.version }] : [space],
      row ? [parts.trail.unmounted(record)] : []
    )
  } catch (error) {
    // The request and the loop that finishes what is left may both come to this; it is gone, which is what both want.
    if (!(error instanceof BrokerError && error.code === 'conflict') || (await rowOf(parts, record))) throw error
  }
  await parts.mounts.load()
}

/** Its rows go in batches, while others commit in between. A crash goes on with what is left. */
async function thinOut(parts: Parts, record: MountRecord): Promise<void> {
  const space = mountSpace(record.uuid)
  for (;;) {
    const thin = { kind: 'space.thin', now: parts.clock.now(), space, limit: thinRowsMax } as const
    const [thinned] = await commit(parts, [thin], [])
    if ((thinned?.count ?? 0) < thinRowsMax) return
  }
}

/** The row of exactly this mount. */
async function rowOf(parts: Parts, record: MountRecord): Promise<OpenedEntry | undefined> {
  const row = await readEntry(parts.store, parts.barrier, 'mount', record.path)
  return row && parseMountRecord(row.value).uuid === record.uuid ? row : undefined
}

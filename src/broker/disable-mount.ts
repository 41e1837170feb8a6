import { BrokerError } from '../contracts/index.ts'
import type { Call } from './core-path.ts'
import { mountRecordJson } from './mount.ts'
import type { MountRecord } from './mount.ts'
import { mountSpace } from './mount-storage.ts'
import { commit } from './exchange.ts'
import type { Outcome } from './request.ts'
import { untilEnded } from './revoke.ts'
import { putEntry } from './sealed-rows.ts'

/** Ends a mount: nothing new is issued from the first commit on, its leases are revoked in parallel, and the mount goes when they are gone. While some are left the
 *  answer is 400 with their number; a repeat goes on. No lease is ever forgotten to be fast. */
export async function disableMount(call: Call<unknown>, record: MountRecord): Promise<Outcome> {
  const { parts } = call
  call.change(putEntry(parts.barrier, 'mount', record.path, mountRecordJson({ ...record, ending: true })))
  call.change({
    kind: 'cascade.open',
    selector: { kind: 'mount', mount: record.uuid },
    cause: 'mount-disabled',
    by: call.identity.token?.displayName ?? ''
  })
  return {
    wait: async () => {
      parts.wake()
      const left = await untilEnded(parts, () => parts.store.liveAtMount(record.uuid))
      if (left > 0)
        throw new BrokerError(
          'invalid_request',
          `failed to revoke ${left} leases of ${record.path}: the mount stays until they are gone, revoking goes on`
        )
      const now = parts.clock.now()
      await commit(
        parts,
        [
          { kind: 'space.drop', now, space: mountSpace(record.uuid), mount: record.uuid },
          { kind: 'entry.remove', now, space: 'mount', key: record.path }
        ],
        []
      )
      await parts.mounts.load()
      return undefined
    }
  }
}

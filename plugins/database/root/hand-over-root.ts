import type { MountStorage } from 'mayfly/plugin'
import { readVersion } from '../connection/connection-versions.ts'
import type { Engine } from '../engine.ts'
import { pendingRootKey, readPendingRoot } from './pending-root.ts'
import type { PendingRoot } from './pending-root.ts'
import { rotateRoot } from '../static/rotation-wait.ts'
import { sharedAccount } from './shared-account.ts'

/** What becomes of a rotation whose connection goes. The server may have the new password already: where others log in with the account, one of them goes on with it. */
export async function handOverRoot(engine: Engine, storage: MountStorage, name: string): Promise<void> {
  storage.unschedule(rotateRoot, name)
  const stored = await readPendingRoot(storage, name)
  if (!stored) return
  const { pending } = stored
  storage.remove(pendingRootKey(name), stored.row)
  const account = await readVersion(storage, pending.target)
  if (!account) return
  const { versions } = await sharedAccount(engine, storage, account.version)
  const heir = versions.find(other => other.connection !== name)
  if (!heir) return
  storage.put(pendingRootKey(heir.connection), { ...pending, target: heir.target } satisfies PendingRoot, 0)
  storage.schedule(rotateRoot, heir.connection, engine.context.clock.now(), { name: heir.connection })
}

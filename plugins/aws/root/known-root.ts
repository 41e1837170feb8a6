import { BrokerError } from 'mayfly/plugin'
import type { MountStorage } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { readRoot, versionKey } from './root-config.ts'
import type { Root } from './root-config.ts'

export type KnownRoot = Root & { readonly account: string; readonly arn: string }

/** The root of the mount, and whose its keys are. Where AWS could not be asked when it was written it is asked now, and the answer is kept with the promise of the lease. */
export async function knownRoot(engine: Engine, storage: MountStorage, signal: AbortSignal): Promise<KnownRoot> {
  const root = await readRoot(storage)
  if (!root) throw new BrokerError('invalid_request', 'no root yet: write access_key and secret_key to config/root')
  if (root.version.account !== null) return { ...root, account: root.version.account, arn: root.version.arn ?? '' }
  const { account } = await engine.accounts.ofVersion(root.config.version)
  const { account: number, arn } = await account.identity(signal)
  storage.put(versionKey(root.config.version), { ...root.version, account: number, arn }, root.versionRow)
  return { ...root, account: number, arn }
}

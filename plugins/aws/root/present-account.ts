import { BrokerError } from 'mayfly/plugin'
import type { MountReader, TargetId } from 'mayfly/plugin'
import type { Account } from '../account/account.ts'
import type { Engine } from '../engine.ts'
import { readRoot, targetOf } from './root-config.ts'

/** The account of the root as it is now, for work that is no lease's. `task`: in the place of a type of credential. */
export async function presentAccount(
  engine: Engine,
  storage: MountReader,
  task: string
): Promise<{ readonly account: Account; readonly target: TargetId }> {
  const root = await readRoot(storage)
  if (!root) throw new BrokerError('invalid_request', 'no root yet: write access_key and secret_key to config/root')
  const { account } = await engine.accounts.ofVersion(root.config.version)
  return { account, target: targetOf(engine, task, root.config.version) }
}

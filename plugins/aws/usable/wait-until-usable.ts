import { GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import type { Secret, TargetId } from 'mayfly/plugin'
import type { Keys } from '../account/account.ts'
import type { Engine } from '../engine.ts'
import { numberOf } from '../root/root-config.ts'
import { untilUsable } from './until-usable.ts'

// Commonly AWS takes a new key within ten.
const secondsMax = 25

export interface NewKeys {
  readonly target: TargetId
  readonly keys: Secret<Keys>
}

/** Holds the reply until AWS takes the new keys; a warning when it did not in time. It shows that the keys have arrived: nothing can show that the policies have. */
export async function waitUntilUsable(engine: Engine, { target, keys }: NewKeys, signal: AbortSignal): Promise<readonly string[]> {
  const { clock } = engine.context
  const { version } = await engine.accounts.ofVersion(numberOf(target))
  using mine = engine.accounts.open(version, keys)
  const ask = async (signal: AbortSignal) => {
    await mine.sts((sts, at) => sts.send(new GetCallerIdentityCommand({}), at), { lane: 'issue' }, signal)
    return true
  }
  if (await untilUsable(ask, { clock, msMax: secondsMax * 1_000, signal })) return []
  return ['AWS does not take these keys everywhere yet: they may be refused for some more seconds']
}

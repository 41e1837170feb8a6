import { GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import type { Secret, TargetId } from 'mayfly/plugin'
import type { Keys } from '../account.ts'
import type { Engine } from '../engine.ts'
import { numberOf } from '../root-config.ts'
import { untilUsable } from './until-usable.ts'

// The answer has to be written and sent, too.
const marginMs = 1_500

export interface NewKeys {
  readonly target: TargetId
  readonly keys: Secret<Keys>
  /** The broker gives up after it. */
  readonly createBy: Temporal.Instant
}

/** Holds the reply until AWS takes the new keys; a warning when it did not in time. It shows that the keys have arrived: nothing can show that the policies have. */
export async function waitUntilUsable(
  engine: Engine,
  { target, keys, createBy }: NewKeys,
  signal: AbortSignal
): Promise<readonly string[]> {
  const { clock } = engine.context
  const msMax = createBy.epochMilliseconds - clock.now().epochMilliseconds - marginMs
  const { version } = await engine.accounts.ofVersion(numberOf(target))
  using mine = engine.accounts.open(version, keys)
  const ask = async (signal: AbortSignal) => {
    await mine.sts((sts, at) => sts.send(new GetCallerIdentityCommand({}), at), { lane: 'issue' }, signal)
    return true
  }
  if (msMax > 0 && (await untilUsable(ask, { clock, msMax, signal }))) return []
  return ['AWS does not take these keys everywhere yet: they may be refused for some more seconds']
}

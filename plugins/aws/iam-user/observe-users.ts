import type { Json, TargetId, Usage } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { eachOf } from './each-of.ts'
import { isHandle } from './frozen.ts'
import { lastUse } from './last-use.ts'

const atOnceMax = 4

/** When the keys of users were used last. */
export async function observeUsers(
  engine: Engine,
  target: TargetId,
  handles: readonly Json[],
  signal: AbortSignal
): Promise<readonly (Usage | null)[]> {
  const account = await engine.accounts.at(target)
  const seen: (Usage | null)[] = handles.map(() => null)
  await eachOf([...handles.entries()], atOnceMax, async ([at, handle]) => {
    if (isHandle(handle) && handle.accessKey !== undefined) seen[at] = await lastUse(account, handle.accessKey, { lane: 'issue' }, signal)
  })
  return seen
}

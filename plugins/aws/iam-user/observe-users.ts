import type { Json, TargetId, Usage } from 'mayfly/plugin'
import { isRootRefused } from '../account/aws-error.ts'
import type { Engine } from '../engine.ts'
import { eachOf } from './each-of.ts'
import { isHandle } from './frozen.ts'
import { lastUse } from './last-use.ts'

const atOnceMax = 4

/** When the keys of users were used last, each by itself: one that AWS does not tell of keeps nobody from hearing of the others, and is asked for again in the next round. Rejects when it tells
 *  of none. */
export async function observeUsers(
  engine: Engine,
  target: TargetId,
  handles: readonly Json[],
  signal: AbortSignal
): Promise<readonly (Usage | null)[]> {
  const account = await engine.accounts.at(target)
  const seen: (Usage | null)[] = handles.map(() => null)
  const keys = [...handles.entries()].flatMap(([at, handle]) =>
    isHandle(handle) && handle.accessKey ? [{ at, key: handle.accessKey }] : []
  )
  const failures: unknown[] = []
  let told = 0
  await eachOf(keys, atOnceMax, async ({ at, key }) => {
    // With a root key that does not work no other question is answered.
    if (signal.aborted || isRootRefused(failures.at(-1))) return
    try {
      seen[at] = await lastUse(account, key, { lane: 'issue' }, signal)
      told++
    } catch (error) {
      failures.push(error)
    }
  })
  if (told < keys.length) tellMissing(engine, { target, keys: keys.length, told }, failures, signal)
  return seen
}

function tellMissing(
  { context }: Engine,
  counted: { readonly target: TargetId; readonly keys: number; readonly told: number },
  failures: readonly unknown[],
  signal: AbortSignal
): void {
  const [why = signal.reason] = failures
  if (counted.told === 0) throw why
  context.log.warn('AWS did not tell of some keys whether they were used: they are asked for again in the next round', counted, why)
}

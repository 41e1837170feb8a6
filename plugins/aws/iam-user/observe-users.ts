import { GetAccessKeyLastUsedCommand } from '@aws-sdk/client-iam'
import type { AccessKeyLastUsed } from '@aws-sdk/client-iam'
import type { Json, TargetId, Usage } from 'mayfly/plugin'
import { isRootRefused, awsCode } from '../aws-error.ts'
import type { Engine } from '../engine.ts'
import { eachOf } from './each-of.ts'
import { isHandle } from './frozen.ts'

const atOnceMax = 4

/** When a key was used last, as AWS tells it: late, and the last use only. */
export async function observeUsers(
  engine: Engine,
  target: TargetId,
  handles: readonly Json[],
  signal: AbortSignal
): Promise<readonly (Usage | null)[]> {
  const account = await engine.accounts.at(target)
  const seen: (Usage | null)[] = handles.map(() => null)
  await eachOf([...handles.entries()], atOnceMax, async ([at, handle]) => {
    if (!isHandle(handle) || handle.accessKey === undefined) return
    const command = new GetAccessKeyLastUsedCommand({ AccessKeyId: handle.accessKey })
    try {
      const { AccessKeyLastUsed: used } = await account.iam((iam, sent) => iam.send(command, sent), { lane: 'issue' }, signal)
      seen[at] = usageOf(used)
    } catch (error) {
      // A key that is gone cannot be asked about; anything else is the same for all.
      if (awsCode(error) === undefined || isRootRefused(error) || awsCode(error) === 'AccessDenied') throw error
    }
  })
  return seen
}

function usageOf(used: AccessKeyLastUsed | undefined): Usage | null {
  // "N/A" is said of a key that was never used.
  if (!used?.LastUsedDate) return null
  const from = [used.Region, used.ServiceName].filter(text => text !== undefined && text !== 'N/A').join(' ')
  return { lastSeen: Temporal.Instant.fromEpochMilliseconds(used.LastUsedDate.getTime()), ...(from !== '' && { from: [from] }) }
}

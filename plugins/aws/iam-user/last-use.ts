import { GetAccessKeyLastUsedCommand } from '@aws-sdk/client-iam'
import type { AccessKeyLastUsed } from '@aws-sdk/client-iam'
import { BrokerError } from 'mayfly/plugin'
import type { Usage } from 'mayfly/plugin'
import type { Account, How } from '../account/account.ts'
import { awsCode, isRootRefused } from '../account/aws-error.ts'

/** When a key was used last, as AWS tells it: late, and the last use only. `null`: never, or nobody can be asked about it any more. */
export async function lastUse(account: Account, AccessKeyId: string, how: How, signal: AbortSignal): Promise<Usage | null> {
  const command = new GetAccessKeyLastUsedCommand({ AccessKeyId })
  try {
    const { AccessKeyLastUsed: used } = await account.iam((iam, at) => iam.send(command, at), how, signal)
    return usageOf(used)
  } catch (error) {
    // A key that is gone cannot be asked about. Anything else says nothing of the key.
    if (isOfTheKey(error)) return null
    throw error
  }
}

function isOfTheKey(error: unknown): boolean {
  const refused = error instanceof BrokerError && error.code === 'target_refused'
  return refused && !isRootRefused(error) && awsCode(error) !== 'AccessDenied'
}

function usageOf(used: AccessKeyLastUsed | undefined): Usage | null {
  // "N/A" is said of a key that was never used.
  if (!used?.LastUsedDate) return null
  const from = [used.Region, used.ServiceName].filter(text => text !== undefined && text !== 'N/A').join(' ')
  return { lastSeen: Temporal.Instant.fromEpochMilliseconds(used.LastUsedDate.getTime()), ...(from !== '' && { from: [from] }) }
}

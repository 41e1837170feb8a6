import { GetUserCommand, PutUserPolicyCommand } from '@aws-sdk/client-iam'
import { BrokerError } from 'mayfly/plugin'
import type { RenewCall } from 'mayfly/plugin'
import { isMissing, saying } from '../account/aws-error.ts'
import type { Engine } from '../engine.ts'
import { numberOf } from '../root/root-config.ts'
import { expiryPolicy, expiryPolicyName } from './dead-man.ts'
import { isHandle } from './frozen.ts'
import type { Recipe } from './frozen.ts'
import { isSameUser } from './same-user.ts'

// GetUser, PutUserPolicy.
const callsOfRenew = 2

/** Moves the end that AWS knows of; the lease follows. */
export async function renewUser(engine: Engine, { target, recipe, handle, until }: RenewCall, signal: AbortSignal): Promise<void> {
  if (!isHandle(handle)) throw new BrokerError('integrity', 'the handle names no user')
  const { account, version } = await engine.accounts.ofVersion(numberOf(target))
  const { name: UserName } = handle
  const PolicyDocument = expiryPolicy(until, (recipe as unknown as Recipe).guard)
  await account.beginIam(callsOfRenew, signal)
  const how = { lane: 'finish' as const, paid: { left: callsOfRenew } }
  try {
    const { User } = await account.iam((iam, at) => iam.send(new GetUserCommand({ UserName }), at), how, signal)
    if (!isSameUser(engine, version.account ?? '', handle, undefined, User))
      throw new BrokerError('target_refused', 'a user of this name is not ours')
    const input = { UserName, PolicyName: expiryPolicyName, PolicyDocument }
    await account.iam((iam, at) => iam.send(new PutUserPolicyCommand(input), at), how, signal)
  } catch (error) {
    throw isMissing(error)
      ? new BrokerError('target_refused', 'the user is gone', { cause: error })
      : saying('Error putting user policy', error)
  }
}

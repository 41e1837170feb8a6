/** The access keys of a user that is there already. */
import {
  CreateAccessKeyCommand,
  DeleteAccessKeyCommand,
  GetUserCommand,
  ListAccessKeysCommand,
  UpdateAccessKeyCommand
} from '@aws-sdk/client-iam'
import { BrokerError, Secret } from 'mayfly/plugin'
import type { Account, Keys } from '../account.ts'
import { isMissing } from '../aws-error.ts'

export interface UserFound {
  readonly userId: string
  readonly arn: string
  readonly path: string
}

const issuing = { lane: 'issue' } as const
const ending = { lane: 'revoke' } as const

export async function findUser(account: Account, UserName: string, signal: AbortSignal): Promise<UserFound | undefined> {
  try {
    const { User } = await account.iam((iam, at) => iam.send(new GetUserCommand({ UserName }), at), issuing, signal)
    return User?.UserId && User.Arn ? { userId: User.UserId, arn: User.Arn, path: User.Path ?? '/' } : undefined
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Oldest first. A user has two at most. */
export async function listKeys(account: Account, UserName: string, signal: AbortSignal): Promise<readonly string[]> {
  const { AccessKeyMetadata = [] } = await account.iam((iam, at) => iam.send(new ListAccessKeysCommand({ UserName }), at), issuing, signal)
  return AccessKeyMetadata.toSorted((a, b) => (a.CreateDate?.getTime() ?? 0) - (b.CreateDate?.getTime() ?? 0)).flatMap(
    ({ AccessKeyId }) => AccessKeyId ?? []
  )
}

/** Never twice: a second call makes a second key. */
export async function createKey(account: Account, UserName: string, signal: AbortSignal): Promise<Secret<Keys>> {
  const command = new CreateAccessKeyCommand({ UserName })
  const { AccessKey } = await account.iam((iam, at) => iam.send(command, at), { lane: 'issue', once: true }, signal)
  if (!AccessKey?.AccessKeyId || !AccessKey.SecretAccessKey) throw new BrokerError('target_silent', 'AWS does not tell the key')
  return new Secret({ accessKeyId: AccessKey.AccessKeyId, secretAccessKey: AccessKey.SecretAccessKey })
}

/** Inactive first: where deleting fails, it is of no use any more. */
export async function endKey(account: Account, UserName: string, AccessKeyId: string, signal: AbortSignal): Promise<void> {
  const steps = [
    () => account.iam((iam, at) => iam.send(new UpdateAccessKeyCommand({ UserName, AccessKeyId, Status: 'Inactive' }), at), ending, signal),
    () => account.iam((iam, at) => iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }), at), ending, signal)
  ]
  for (const step of steps)
    try {
      await step()
    } catch (error) {
      if (!isMissing(error)) throw error
    }
}

/** The access keys of a user that is there already. */
import {
  CreateAccessKeyCommand,
  DeleteAccessKeyCommand,
  GetUserCommand,
  ListAccessKeysCommand,
  TagUserCommand,
  UntagUserCommand,
  UpdateAccessKeyCommand
} from '@aws-sdk/client-iam'
import { BrokerError, Secret } from 'mayfly/plugin'
import type { BackendContext } from 'mayfly/plugin'
import type { Account, Keys } from '../account/account.ts'
import { isMissing, saying } from '../account/aws-error.ts'
import type { Lane } from '../account/call-budget.ts'

export interface UserFound {
  readonly userId: string
  readonly arn: string
  readonly path: string
  /** The mount whose static role it is, by its tag. */
  readonly holder: string | undefined
}

const issuing = { lane: 'issue' } as const
const ending = { lane: 'revoke' } as const

/** Two mounts that had one user would end each other's keys, and neither knows the other's rows: whose it is stands at the user itself. */
const holderTag = 'mayfly:static-role-of'

export const holderOf = ({ instance, mount }: BackendContext): string => `${instance}/${mount.uuid}`

export async function holdUser(account: Account, UserName: string, holder: string, signal: AbortSignal): Promise<void> {
  const command = new TagUserCommand({ UserName, Tags: [{ Key: holderTag, Value: holder }] })
  await account
    .iam((iam, at) => iam.send(command, at), issuing, signal)
    .catch((error: unknown) => {
      throw saying('Error adding tags to user', error)
    })
}

export async function letGoOfUser(account: Account, UserName: string, signal: AbortSignal): Promise<void> {
  try {
    const command = new UntagUserCommand({ UserName, TagKeys: [holderTag] })
    await account.iam((iam, at) => iam.send(command, at), ending, signal)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

export async function findUser(account: Account, UserName: string, signal: AbortSignal): Promise<UserFound | undefined> {
  try {
    const { User } = await account.iam((iam, at) => iam.send(new GetUserCommand({ UserName }), at), issuing, signal)
    if (!User?.UserId || !User.Arn) return undefined
    const holder = User.Tags?.find(({ Key }) => Key === holderTag)?.Value
    return { userId: User.UserId, arn: User.Arn, path: User.Path ?? '/', holder }
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Oldest first. A user has two at most. */
export async function listKeys(account: Account, UserName: string, signal: AbortSignal, lane: Lane = 'issue'): Promise<readonly string[]> {
  const { AccessKeyMetadata = [] } = await account.iam((iam, at) => iam.send(new ListAccessKeysCommand({ UserName }), at), { lane }, signal)
  return AccessKeyMetadata.toSorted((a, b) => (a.CreateDate?.getTime() ?? 0) - (b.CreateDate?.getTime() ?? 0)).flatMap(
    ({ AccessKeyId }) => AccessKeyId ?? []
  )
}

/** Never twice: a second call makes a second key. */
export async function createKey(account: Account, UserName: string, signal: AbortSignal, lane: Lane = 'issue'): Promise<Secret<Keys>> {
  const command = new CreateAccessKeyCommand({ UserName })
  const { AccessKey } = await account.iam((iam, at) => iam.send(command, at), { lane, once: true }, signal)
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

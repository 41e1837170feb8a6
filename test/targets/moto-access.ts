import { randomBytes } from 'node:crypto'
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  GetUserPolicyCommand,
  IAMClient,
  ListAccessKeysCommand,
  ListUserPoliciesCommand,
  ListUsersCommand,
  PutUserPolicyCommand
} from '@aws-sdk/client-iam'
import type { User } from '@aws-sdk/client-iam'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'

export interface MotoAddress {
  readonly endpoint: string
  /** Of an administrator. */
  readonly accessKey: string
  readonly secretKey: string
}

export interface AwsKeys {
  readonly access_key: string
  readonly secret_key: string
  readonly security_token?: string | null
}

interface Statement {
  readonly Sid?: string
  readonly Effect: string
  readonly Condition?: { readonly DateGreaterThan?: { readonly 'aws:CurrentTime'?: string } }
}

/** What tests do at a moto: look as its administrator, and use keys as an application does. */
export class MotoAccess {
  readonly address: MotoAddress
  readonly iam: IAMClient

  constructor(address: MotoAddress) {
    this.address = address
    this.iam = new IAMClient(this.client({ access_key: address.accessKey, secret_key: address.secretKey }))
  }

  client({ access_key: accessKeyId, secret_key: secretAccessKey, security_token }: AwsKeys) {
    const credentials = { accessKeyId, secretAccessKey, ...(security_token ? { sessionToken: security_token } : {}) }
    return { endpoint: this.address.endpoint, region: 'us-east-1', credentials, maxAttempts: 1 }
  }

  /** Who the keys say they are; nothing when AWS does not know them. `GetCallerIdentity` is allowed to every key that there is. */
  async caller(keys: AwsKeys): Promise<string | undefined> {
    const sts = new STSClient(this.client(keys))
    try {
      return (await sts.send(new GetCallerIdentityCommand({}))).Arn
    } catch (error) {
      if ((error as Error).name === 'InvalidClientTokenId') return undefined
      throw error
    } finally {
      sts.destroy()
    }
  }

  /** Whether keys of a user are of any use at `now`. moto takes inactive keys and reads no conditions: both are looked at here, as AWS does. */
  async isUsable(keys: AwsKeys, now: Temporal.Instant): Promise<boolean> {
    const arn = await this.caller(keys)
    if (arn === undefined) return false
    const UserName = arn.slice(arn.lastIndexOf('/') + 1)
    const { AccessKeyMetadata = [] } = await this.iam.send(new ListAccessKeysCommand({ UserName }))
    if (AccessKeyMetadata.find(({ AccessKeyId }) => AccessKeyId === keys.access_key)?.Status !== 'Active') return false
    const statements = [...(await this.policies(UserName)).values()].flatMap(({ Statement }) => Statement)
    return !statements.some(statement => deniesAll(statement, now))
  }

  /** The inline policies of a user, by name. */
  async policies(UserName: string): Promise<ReadonlyMap<string, { readonly Statement: readonly Statement[] }>> {
    const { PolicyNames = [] } = await this.iam.send(new ListUserPoliciesCommand({ UserName }))
    const found = new Map<string, { readonly Statement: readonly Statement[] }>()
    for (const PolicyName of PolicyNames) {
      const { PolicyDocument } = await this.iam.send(new GetUserPolicyCommand({ UserName, PolicyName }))
      found.set(PolicyName, JSON.parse(decodeURIComponent(PolicyDocument!)) as { readonly Statement: readonly Statement[] })
    }
    return found
  }

  /** Users whose path holds `part`, such as that of a broker. */
  async users(part: string): Promise<readonly User[]> {
    const users: User[] = []
    for (let Marker: string | undefined, more = true; more;) {
      const page = await this.iam.send(new ListUsersCommand(Marker ? { Marker } : {}))
      users.push(...(page.Users ?? []))
      ;[Marker, more] = [page.Marker, page.IsTruncated === true && page.Marker !== undefined]
    }
    return users.filter(({ Path }) => Path?.includes(part))
  }

  /** Somebody for a broker to be, who may do everything. */
  async newRoot(): Promise<AwsKeys & { readonly name: string }> {
    const name = `root-${randomBytes(6).toString('hex')}`
    await this.iam.send(new CreateUserCommand({ UserName: name }))
    const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] })
    await this.iam.send(new PutUserPolicyCommand({ UserName: name, PolicyName: 'everything', PolicyDocument }))
    const { AccessKey } = await this.iam.send(new CreateAccessKeyCommand({ UserName: name }))
    return { name, access_key: AccessKey!.AccessKeyId!, secret_key: AccessKey!.SecretAccessKey! }
  }

  dispose(): void {
    this.iam.destroy()
  }
}

function deniesAll({ Sid, Effect, Condition }: Statement, now: Temporal.Instant): boolean {
  if (Effect !== 'Deny' || Sid === 'Guard') return false
  const after = Condition?.DateGreaterThan?.['aws:CurrentTime']
  return after === undefined || Temporal.Instant.compare(now, Temporal.Instant.from(after)) > 0
}

/** A user that can end before it can do anything:
 *
 *    CreateUser        with path, boundary and mark in the one call
 *    PutUserPolicy     the policy that ends it, before anything allows it something
 *    the rights        managed policies, the role's own, groups
 *    CreateAccessKey   last: the secret is told once
 *
 *  A call that AWS may have carried out unheard is not made again: the lease is revoked, and the caller gets another user under another name. */
import {
  AddUserToGroupCommand,
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateUserCommand,
  PutUserPolicyCommand
} from '@aws-sdk/client-iam'
import { BrokerError, Secret } from 'mayfly/plugin'
import type { Clock, IssueCall, Issued, Json, JsonObject } from 'mayfly/plugin'
import type { Account } from '../account/account.ts'
import { awsCode, isMissing, saying } from '../account/aws-error.ts'
import type { Calls } from '../account/call-budget.ts'
import type { Engine } from '../engine.ts'
import { numberOf } from '../root/root-config.ts'
import { waitUntilUsable } from '../usable/wait-until-usable.ts'
import { expiryPolicy, expiryPolicyName } from './dead-man.ts'
import type { Handle, Order, Recipe } from './frozen.ts'
import { markTags } from './mark.ts'

// A user that was just made may not be known yet where the next call arrives.
const notYetKnown = { everyMs: 500, triesMax: 10 }

export async function createUser(engine: Engine, call: IssueCall, signal: AbortSignal): Promise<Issued> {
  const { account, version } = await engine.accounts.ofVersion(numberOf(call.target))
  if (version.account === null) throw new BrokerError('integrity', 'the account of the root is not on record')
  const user = new NewUser(engine, account, version.account, call, signal)
  const handle = call.handle as Handle
  const userId = await user.create()
  await user.putExpiry()
  await user.giveRights()
  const key = await user.createKey()
  const { waitUntilUsable: wait } = call.order as Order
  const keys = new Secret({ accessKeyId: key.id, secretAccessKey: key.secret })
  return {
    secret: new Secret<JsonObject>({ access_key: key.id, secret_key: key.secret, security_token: null, session_token: null }),
    handle: { ...handle, userId, accessKey: key.id } satisfies Handle as Json,
    visible: { access_key: key.id },
    ...(wait && { afterwards: signal => waitUntilUsable(engine, { target: call.target, keys }, signal) })
  }
}

class NewUser {
  readonly #engine: Engine
  readonly #account: Account
  readonly #accountId: string
  readonly #call: IssueCall
  readonly #name: string
  readonly #recipe: Recipe
  readonly #paid: Calls
  readonly #signal: AbortSignal

  constructor(engine: Engine, account: Account, accountId: string, call: IssueCall, signal: AbortSignal) {
    this.#engine = engine
    this.#account = account
    this.#accountId = accountId
    this.#call = call
    this.#name = (call.handle as Handle).name
    this.#recipe = call.recipe as unknown as Recipe
    this.#paid = { left: (call.order as Order).paid }
    this.#signal = signal
  }

  async create(): Promise<string> {
    const { path: Path, boundary, tags } = this.#recipe
    const mark = markTags(
      this.#engine.context,
      { account: this.#accountId, name: this.#name, lease: this.#call.lease },
      this.#call.order as Order
    )
    const input = { UserName: this.#name, Path, Tags: [...mark, ...tags], ...(boundary && { PermissionsBoundary: boundary }) }
    const { User } = await this.#step(
      'Error creating IAM user',
      at => this.#account.iam((iam, sent) => iam.send(new CreateUserCommand(input), sent), at, this.#signal),
      true
    )
    if (!User?.UserId) throw new BrokerError('target_silent', 'Error creating IAM user: AWS does not say whom it made')
    return User.UserId
  }

  async putExpiry(): Promise<void> {
    const input = {
      UserName: this.#name,
      PolicyName: expiryPolicyName,
      PolicyDocument: expiryPolicy(this.#call.until, this.#recipe.guard)
    }
    const put = (at: Step) => this.#account.iam((iam, sent) => iam.send(new PutUserPolicyCommand(input), sent), at, this.#signal)
    await this.#step('Error putting user policy', at => onceKnown(this.#engine.context.clock, () => put(at), this.#signal))
  }

  async giveRights(): Promise<void> {
    const { policyArns, policyName, policyDocument, groups } = this.#recipe
    const UserName = this.#name
    for (const PolicyArn of policyArns) {
      const command = new AttachUserPolicyCommand({ UserName, PolicyArn })
      await this.#step('Error attaching user policy', at => this.#account.iam((iam, sent) => iam.send(command, sent), at, this.#signal))
    }
    if (policyDocument !== '') {
      const command = new PutUserPolicyCommand({ UserName, PolicyName: policyName, PolicyDocument: policyDocument })
      await this.#step('Error putting user policy', at => this.#account.iam((iam, sent) => iam.send(command, sent), at, this.#signal))
    }
    for (const GroupName of groups) {
      const command = new AddUserToGroupCommand({ UserName, GroupName })
      await this.#step('Error adding user to group', at => this.#account.iam((iam, sent) => iam.send(command, sent), at, this.#signal))
    }
  }

  async createKey(): Promise<{ readonly id: string; readonly secret: string }> {
    const command = new CreateAccessKeyCommand({ UserName: this.#name })
    const { AccessKey } = await this.#step(
      'Error creating access keys',
      at => this.#account.iam((iam, sent) => iam.send(command, sent), at, this.#signal),
      true
    )
    if (!AccessKey?.AccessKeyId || !AccessKey.SecretAccessKey)
      throw new BrokerError('target_silent', 'Error creating access keys: AWS does not tell the key')
    return { id: AccessKey.AccessKeyId, secret: AccessKey.SecretAccessKey }
  }

  /** Nothing is begun after the moment until which it may be. */
  async #step<T>(what: string, work: (how: Step) => Promise<T>, once = false): Promise<T> {
    if (Temporal.Instant.compare(this.#engine.context.clock.now(), this.#call.createBy) > 0)
      throw new BrokerError('target_silent', `${what}: the time to create the user has passed`)
    try {
      return await work({ lane: 'finish', paid: this.#paid, ...(once && { once }) })
    } catch (error) {
      this.#alarm(error)
      throw saying(what, error)
    }
  }

  /** What no caller can do anything about, and the operator must hear of. */
  #alarm(error: unknown): void {
    const alarm = alarms[awsCode(error) ?? '']
    if (alarm !== undefined) this.#engine.context.log.error(alarm, { user: this.#name, account: this.#accountId }, error)
  }
}

const alarms: Readonly<Record<string, string>> = {
  LimitExceeded: 'the account is full: AWS makes no more users there, or gives them no more',
  EntityAlreadyExists: 'a user has the name that was chosen for one of ours: it is left alone'
}

type Step = { readonly lane: 'finish'; readonly paid: Calls; readonly once?: true }

async function onceKnown<T>(clock: Clock, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (!isMissing(error) || tries >= notYetKnown.triesMax) throw error
      await clock.sleep(notYetKnown.everyMs, signal)
    }
  }
}

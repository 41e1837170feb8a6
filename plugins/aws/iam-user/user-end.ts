import {
  DeleteAccessKeyCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  DetachUserPolicyCommand,
  GetUserCommand,
  ListAccessKeysCommand,
  PutUserPolicyCommand,
  RemoveUserFromGroupCommand,
  UpdateAccessKeyCommand
} from '@aws-sdk/client-iam'
import type { IAMClient } from '@aws-sdk/client-iam'
import { BrokerError } from 'mayfly/plugin'
import type { LeaseId, RevokedLease, RevokeOutcome, Usage } from 'mayfly/plugin'
import type { Account } from '../account/account.ts'
import { awsCode, isMissing } from '../account/aws-error.ts'
import type { Calls } from '../account/call-budget.ts'
import type { Engine } from '../engine.ts'
import { removeEverything } from './clean-up.ts'
import { denyPolicy, denyPolicyName, expiryPolicyName } from './dead-man.ts'
import type { Handle, Recipe } from './frozen.ts'
import { lastUse } from './last-use.ts'
import { isSameUser } from './same-user.ts'

// ListAccessKeys, UpdateAccessKey, PutUserPolicy; then DeleteUserPolicy twice, DeleteUser.
const callsOfDeny = 3
const callsOfRemove = 3

/** How far the end of one user has come. Each step may be made any number of times; what is not there any more is done. */
export class UserEnd {
  readonly lease: LeaseId
  readonly name: string
  readonly createBy: Temporal.Instant | undefined
  /** What the caller is told; decided when there is nothing more to do. */
  outcome: RevokeOutcome | undefined
  /** AWS does not know it. */
  absent = false
  /** AWS knows it, as it was just asked. */
  there = false
  /** Known where it was asked for and not where the policy that ends it arrived: it may have access, and is looked at again. */
  elusive = false
  /** AWS did not know it when it was asked last. */
  wasAbsent = false
  /** By us, just now. */
  removed = false
  /** More users end than a turn has calls for: what nobody waits for is left out. */
  hurried = false
  /** How its key was used, as far as AWS had heard when it was about to be removed: afterwards nobody can be asked. */
  used: Usage | undefined
  /** AWS takes no more calls for now. */
  late = false
  /** The calls of the steps that are under way. */
  paid: Calls | undefined
  readonly #engine: Engine
  readonly #account: Account
  readonly #accountId: string
  readonly #recipe: Recipe
  readonly #handle: Handle
  #identified = false
  /** Absent until they were listed. */
  #keys: readonly string[] | undefined
  #denied = false

  constructor(engine: Engine, account: Account, accountId: string, recipe: Recipe, { lease, handle, createBy }: RevokedLease<Handle>) {
    this.#engine = engine
    this.#account = account
    this.#accountId = accountId
    this.#recipe = recipe
    this.#handle = handle
    this.lease = lease
    this.name = handle.name
    this.createBy = createBy
  }

  /** No key of its is of any use. */
  get denied(): boolean {
    return this.#denied
  }

  get keys(): readonly string[] {
    return this.#keys ?? []
  }

  /** It was denied everything in an earlier turn, and had these keys. Others that it may have got cannot do anything, and keep it from being deleted until they are looked for. */
  recall(keys: readonly string[]): void {
    this.#keys = keys
    this.#denied = true
  }

  /** How many calls the steps take, where the user has what it was made with. */
  get calls(): number {
    const identify = this.#identified ? 0 : 1
    if (this.wasAbsent) return identify
    if (!this.#denied) return identify + callsOfDeny
    const { policyArns, policyDocument, groups } = this.#recipe
    const keys = this.#keys?.length ?? 2
    const look = this.#handle.accessKey === undefined || this.hurried ? 0 : 1
    return identify + look + keys + callsOfRemove + policyArns.length + groups.length + (policyDocument === '' ? 0 : 1)
  }

  /** By a list of all users: an id is never given twice. Whoever is not in it, or with another id, is asked for by name. */
  identifyIn(ids: ReadonlyMap<string, string>): void {
    const { name, userId } = this.#handle
    if (userId === undefined || ids.get(name.toLowerCase()) !== userId) return
    this.#identified = true
    this.there = true
  }

  async identify(signal: AbortSignal): Promise<void> {
    if (this.#identified) return
    const found = await this.#unlessMissing((iam, at) => iam.send(new GetUserCommand({ UserName: this.name }), at), signal)
    if (!found) return void (this.absent = true)
    this.there = true
    this.#identified = isSameUser(this.#engine, this.#accountId, this.#handle, this.lease, found.User)
    if (this.#identified) return
    this.#engine.context.log.error('a user has the name of one of ours and is not it: it is left alone', { user: this.name })
    this.outcome = {
      kind: 'failed',
      error: new BrokerError('target_refused', `a user ${this.name} is there, and it is not the one that was made`)
    }
  }

  async disable(signal: AbortSignal): Promise<void> {
    const UserName = this.name
    for (const AccessKeyId of await this.#listKeys(signal))
      await this.#unlessMissing(
        (iam, at) => iam.send(new UpdateAccessKeyCommand({ UserName, AccessKeyId, Status: 'Inactive' }), at),
        signal
      )
  }

  /** A list may not know a new key yet: that of the handle is always one of them. */
  async #listKeys(signal: AbortSignal): Promise<readonly string[]> {
    const listed = await this.#unlessMissing((iam, at) => iam.send(new ListAccessKeysCommand({ UserName: this.name }), at), signal)
    const ids = (listed?.AccessKeyMetadata ?? []).map(({ AccessKeyId }) => AccessKeyId!)
    return (this.#keys = [...new Set([...ids, ...(this.#handle.accessKey === undefined ? [] : [this.#handle.accessKey])])])
  }

  async deny(signal: AbortSignal): Promise<void> {
    const input = { UserName: this.name, PolicyName: denyPolicyName, PolicyDocument: denyPolicy }
    const put = await this.#unlessMissing((iam, at) => iam.send(new PutUserPolicyCommand(input), at), signal)
    if (!put) return void (this.elusive = true)
    this.#denied = true
  }

  /** The short way, by what the recipe says that it has; the long one when it has more. */
  async remove(signal: AbortSignal): Promise<void> {
    const UserName = this.name
    const { policyArns, policyName, policyDocument, groups } = this.#recipe
    await this.#lookAtUse(signal)
    for (const AccessKeyId of this.#keys ?? (await this.#listKeys(signal)))
      await this.#unlessMissing((iam, at) => iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }), at), signal)
    for (const PolicyArn of policyArns)
      await this.#unlessMissing((iam, at) => iam.send(new DetachUserPolicyCommand({ UserName, PolicyArn }), at), signal)
    for (const GroupName of groups)
      await this.#unlessMissing((iam, at) => iam.send(new RemoveUserFromGroupCommand({ UserName, GroupName }), at), signal)
    for (const PolicyName of [...(policyDocument === '' ? [] : [policyName]), expiryPolicyName, denyPolicyName])
      await this.#unlessMissing((iam, at) => iam.send(new DeleteUserPolicyCommand({ UserName, PolicyName }), at), signal)
    await this.#deleteUser(signal)
    this.absent = true
    this.removed = true
  }

  /** Nothing waits for it, and nothing fails with it. */
  async #lookAtUse(signal: AbortSignal): Promise<void> {
    const { accessKey } = this.#handle
    if (accessKey === undefined || this.hurried) return
    const how = { lane: 'finish' as const, ...(this.paid && { paid: this.paid }) }
    this.used = (await lastUse(this.#account, accessKey, how, signal).catch(() => undefined)) ?? undefined
    signal.throwIfAborted()
  }

  async #deleteUser(signal: AbortSignal): Promise<void> {
    const drop = () => this.#unlessMissing((iam, at) => iam.send(new DeleteUserCommand({ UserName: this.name }), at), signal)
    try {
      await drop()
    } catch (error) {
      if (awsCode(error) !== 'DeleteConflict') throw error
      // The policies that ended it are gone already: while the rest is looked for it has to be denied again.
      await this.deny(signal)
      const troubles = await removeEverything(this.#account, this.name, signal)
      await drop().catch(still => {
        throw troubles.length === 0
          ? still
          : new BrokerError('target_refused', `it has more than the broker may remove: ${troubles.join('; ')}`, { cause: still })
      })
    }
  }

  async #unlessMissing<T>(
    call: (iam: IAMClient, at: { readonly abortSignal: AbortSignal }) => Promise<T>,
    signal: AbortSignal
  ): Promise<T | undefined> {
    try {
      return await this.#account.iam(call, { lane: 'finish', ...(this.paid && { paid: this.paid }) }, signal)
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }
}

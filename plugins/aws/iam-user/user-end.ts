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
import type { LeaseId, RevokedLease, RevokeOutcome } from 'mayfly/plugin'
import type { Account } from '../account.ts'
import { awsCode, isMissing } from '../aws-error.ts'
import type { Calls } from '../call-budget.ts'
import type { Engine } from '../engine.ts'
import { removeEverything } from './clean-up.ts'
import { denyPolicy, denyPolicyName, expiryPolicyName } from './dead-man.ts'
import type { Handle, Recipe } from './frozen.ts'
import { isSameUser } from './same-user.ts'

// GetUser, ListAccessKeys, UpdateAccessKey, PutUserPolicy; then GetUser, ListAccessKeys, DeleteAccessKey, DeleteUserPolicy twice, DeleteUser.
const callsOfDeny = 4
const callsOfRemove = 6

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
  /** No key of its is of any use. */
  denied = false
  /** By us, just now. */
  removed = false
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

  /** How many calls the steps take, where the user has what it was made with. */
  get calls(): number {
    if (!this.denied) return callsOfDeny
    const { policyArns, policyDocument, groups } = this.#recipe
    return callsOfRemove + policyArns.length + groups.length + (policyDocument === '' ? 0 : 1)
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
    await this.#unlessMissing((iam, at) => iam.send(new PutUserPolicyCommand(input), at), signal)
    this.denied = true
  }

  /** The short way, by what the recipe says that it has; the long one when it has more. */
  async remove(signal: AbortSignal): Promise<void> {
    const UserName = this.name
    const { policyArns, policyName, policyDocument, groups } = this.#recipe
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

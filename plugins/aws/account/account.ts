import { IAMClient } from '@aws-sdk/client-iam'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { BrokerError } from 'mayfly/plugin'
import type { Clock, Random, Secret } from 'mayfly/plugin'
import { awsCode, isThrottled, mayRepeat, toBrokerError } from './aws-error.ts'
import type { CallBudget, Calls, Lane } from './call-budget.ts'
import type { Place } from './place.ts'

// Of one call. A slower answer counts as none.
const callMsMax = 10_000
const connectMsMax = 3_000
// Calls in flight for one account, in each service.
const socketsMax = 32
// Full jitter between nothing and the base doubled with each try, at most the largest.
const backoffMs = { base: 200, max: 5_000 }
const triesMax = 8
// A service that fails outright is somebody's to look at: the sweeper comes again.
const failedTriesMax = 3

export interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export interface Identity {
  /** Twelve digits. */
  readonly account: string
  readonly arn: string
  readonly userId: string
}

/** How a call is made. `once`: doing it twice is not doing it once, so only a refusal that says that nothing was done is followed by another try. `paid`: calls that have their place
 *  in the budget already, of which this is one as long as there are any. */
export interface How {
  readonly lane: Lane
  readonly once?: true
  readonly paid?: Calls
}

type At = { readonly abortSignal: AbortSignal }

export interface AccountParts {
  readonly clock: Clock
  readonly random: Random
  readonly budgets: { readonly iam: CallBudget; readonly sts: CallBudget }
}

/** One account, reached with one set of keys:
 *
 *  ```ts
 *  await account.iam((iam, at) => iam.send(new GetUserCommand({ UserName }), at), { lane: 'revoke' }, signal)
 *  ```
 *
 *  Every call waits for its place in the account's budget, and is repeated when the service is too busy for it. It rejects with a `BrokerError`; `awsCode` tells AWS's own code. */
export class Account implements Disposable {
  readonly place: Place
  readonly #parts: AccountParts
  readonly #iam: IAMClient
  /** Over connections of their own: one that was kept may be closed when it is used, and then nobody can tell whether the call was heard. */
  readonly #iamOnce: IAMClient
  readonly #sts: STSClient
  #identity: Promise<Identity> | undefined

  constructor(place: Place, keys: Secret<Keys>, parts: AccountParts) {
    this.place = place
    this.#parts = parts
    this.#iam = new IAMClient(clientConfig(place.iam, place.iamRegion, keys))
    this.#iamOnce = new IAMClient(clientConfig(place.iam, place.iamRegion, keys, { keepAlive: false }))
    this.#sts = new STSClient(clientConfig(place.sts, place.region, keys))
  }

  iam<Out>(call: (client: IAMClient, at: At) => Promise<Out>, how: How, signal: AbortSignal): Promise<Out> {
    return this.#call('IAM', this.#parts.budgets.iam, at => call(how.once ? this.#iamOnce : this.#iam, at), how, signal)
  }

  sts<Out>(call: (client: STSClient, at: At) => Promise<Out>, how: How, signal: AbortSignal): Promise<Out> {
    return this.#call('STS', this.#parts.budgets.sts, at => call(this.#sts, at), how, signal)
  }

  /** The calls to IAM that make something, before it is promised. */
  beginIam(calls: number, signal: AbortSignal): Promise<void> {
    return this.#parts.budgets.iam.begin(calls, signal)
  }

  /** What the account's budget has come to. */
  get iamPerSecond(): number {
    return this.#parts.budgets.iam.perSecond
  }

  /** The calls to IAM that end something, in one piece; disposed: what is left of them is others'. */
  async endIam(calls: number, signal: AbortSignal): Promise<Calls & Disposable> {
    const { iam } = this.#parts.budgets
    await iam.take('revoke', signal, calls)
    const paid = { left: calls, [Symbol.dispose]: () => iam.giveBack(paid) }
    return paid
  }

  /** Whose the keys are: asked once, because keys never change hands. */
  async identity(signal: AbortSignal): Promise<Identity> {
    this.#identity ??= this.#askIdentity(signal).catch((error: unknown) => {
      this.#identity = undefined
      throw error
    })
    return await this.#identity
  }

  /** What AWS has for the time, told with every answer. */
  async now(signal: AbortSignal): Promise<Temporal.Instant> {
    const command = new GetCallerIdentityCommand({})
    let told: string | undefined
    command.middlewareStack.add(
      next => async args => {
        const answered = await next(args)
        told = (answered.response as { readonly headers?: Readonly<Record<string, string>> }).headers?.['date']
        return answered
      },
      { step: 'deserialize', priority: 'low' }
    )
    await this.sts((sts, at) => sts.send(command, at), { lane: 'revoke' }, signal)
    const milliseconds = Date.parse(told ?? '')
    if (Number.isNaN(milliseconds)) throw new BrokerError('target_refused', 'STS does not tell the time')
    return Temporal.Instant.fromEpochMilliseconds(milliseconds)
  }

  async #askIdentity(signal: AbortSignal): Promise<Identity> {
    const { Account, Arn, UserId } = await this.sts((sts, at) => sts.send(new GetCallerIdentityCommand({}), at), { lane: 'revoke' }, signal)
    if (!/^\d{12}$/.test(Account ?? '') || !Arn || !UserId) throw new BrokerError('target_refused', 'STS does not say whose the key is')
    return { account: Account!, arn: Arn, userId: UserId }
  }

  async #call<Out>(
    service: 'IAM' | 'STS',
    budget: CallBudget,
    call: (at: At) => Promise<Out>,
    how: How,
    signal: AbortSignal
  ): Promise<Out> {
    for (let tries = 1; ; tries++) {
      try {
        if (how.paid && how.paid.left > 0) how.paid.left--
        else await budget.take(how.lane, signal)
        using deadline = this.#parts.clock.within(callMsMax, signal)
        const out = await call({ abortSignal: deadline.signal })
        budget.passed()
        return out
      } catch (error) {
        if (isThrottled(error)) budget.refused()
        // A call that was answered was let through, whatever the answer: of users that are gone all answers are errors.
        else if (awsCode(error) !== undefined && !mayRepeat(error)) budget.passed()
        const again = how.once ? isThrottled(error) : mayRepeat(error)
        if (!again || tries >= (isThrottled(error) ? triesMax : failedTriesMax) || signal.aborted)
          throw toBrokerError(service, error, signal)
        await this.#pause(tries, signal).catch(() => undefined)
      }
    }
  }

  #pause(tries: number, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#parts
    return clock.sleep(random.below(Math.min(backoffMs.max, backoffMs.base * 2 ** tries)), signal)
  }

  [Symbol.dispose](): void {
    this.#iam.destroy()
    this.#iamOnce.destroy()
    this.#sts.destroy()
  }
}

/** Everything said, so that nothing is taken from the environment, profiles, files or the metadata service. */
function clientConfig(endpoint: string, region: string, keys: Secret<Keys>, { keepAlive } = { keepAlive: true }) {
  const agent = { maxSockets: socketsMax, keepAlive }
  return {
    endpoint,
    region,
    credentials: async () => keys.reveal(),
    // Tries are ours: they share the budget.
    maxAttempts: 1,
    retryMode: 'standard',
    defaultsMode: 'standard' as const,
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    userAgentAppId: 'mayfly',
    customUserAgent: 'mayfly',
    disableHostPrefix: true,
    cacheMiddleware: true,
    requestHandler: {
      connectionTimeout: connectMsMax,
      requestTimeout: callMsMax,
      httpsAgent: agent,
      httpAgent: agent
    }
  }
}

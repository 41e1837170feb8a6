import { BrokerError, Secret } from 'mayfly/plugin'
import type { CredentialType, IssueCall, Issued } from 'mayfly/plugin'
import type { Account } from '../account/account.ts'
import { awsCode, saying } from '../account/aws-error.ts'
import type { Engine } from '../engine.ts'
import { waitUntilUsable } from '../usable/wait-until-usable.ts'
import { withGroups } from './group-policies.ts'
import { revokeSessions } from './revoke-sessions.ts'
import { secondsMin, sessionKinds } from './session-kinds.ts'
import type { SessionKind, SessionRequest } from './session-kinds.ts'
import type { SessionHandle, SessionOrder, SessionRecipe } from './session-recipe.ts'

// So much of the shortest session may pass between plan and call.
const lateSecondsMax = 60
// What a role allows that was never told otherwise, and what a chain of roles does at most.
const shortSeconds = 3_600

export function sessionCredential(engine: Engine, kind: SessionKind): CredentialType {
  return {
    issue: (call, signal) => issue(engine, kind, call, signal),
    revoke: (call, signal) => revokeSessions(engine, call, signal)
  }
}

async function issue(engine: Engine, kind: SessionKind, call: IssueCall, signal: AbortSignal): Promise<Issued> {
  const { clock } = engine.context
  const [recipe, handle, order] = [call.recipe as SessionRecipe, call.handle as SessionHandle, call.order as SessionOrder]
  signal.throwIfAborted()
  if (Temporal.Instant.compare(clock.now(), call.createBy) >= 0)
    throw new BrokerError('target_silent', 'it is too late to make this session')
  const account = await engine.accounts.at(call.target)
  const seconds = secondsLeft(handle, call.until, clock.now())
  try {
    const policies = recipe.groups.length > 0 ? await withGroups(account, recipe.groups, recipe, signal) : recipe
    const request = {
      ...recipe,
      ...order,
      policyDocument: policies.policyDocument,
      policyArns: policies.policyArns,
      name: handle.name,
      seconds
    }
    const made = await ask(account, kind, request, signal)
    return issued(engine, { call, handle, order, made })
  } catch (error) {
    throw saying(sessionKinds[kind].failing, error)
  }
}

/** Whole seconds, as STS counts; the lease then follows what STS says. */
function secondsLeft({ seconds }: SessionHandle, until: Temporal.Instant, now: Temporal.Instant): number {
  const left = Math.ceil((until.epochMilliseconds - now.epochMilliseconds) / 1_000)
  if (left >= secondsMin) return Math.min(left, seconds)
  if (left >= secondsMin - lateSecondsMax) return secondsMin
  throw new BrokerError('invalid_request', `the token or the mount leaves ${left} s, and STS gives no session of less than ${secondsMin} s`)
}

interface Made {
  readonly keys: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken: string }
  readonly until: Temporal.Instant
  readonly issuedAt: Temporal.Instant
  readonly seconds: number
  readonly arn: string | undefined
  readonly warnings: readonly string[]
}

/** Asking twice makes two sessions, of which nobody holds the first: it ends as the lease does. */
async function ask(account: Account, kind: SessionKind, request: SessionRequest, signal: AbortSignal): Promise<Made> {
  try {
    return await askOnce(account, kind, request, signal)
  } catch (error) {
    if (!isTooLong(error) || request.seconds <= shortSeconds) throw error
    const made = await askOnce(account, kind, { ...request, seconds: shortSeconds }, signal)
    const told = `AWS gives no session of ${request.seconds} s here, because of the role's own maximum or because roles are chained: it ends after ${shortSeconds} s`
    return { ...made, warnings: [told] }
  }
}

const isTooLong = (error: unknown): boolean =>
  awsCode(error) === 'ValidationError' && error instanceof BrokerError && /DurationSeconds exceeds/i.test(error.message)

async function askOnce(account: Account, kind: SessionKind, request: SessionRequest, signal: AbortSignal): Promise<Made> {
  const { credentials, arn } = await account.sts((sts, at) => sessionKinds[kind].ask(sts, request, at), { lane: 'issue' }, signal)
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken, Expiration } = credentials ?? {}
  if (!accessKeyId || !secretAccessKey || !sessionToken || !Expiration) throw new BrokerError('target_refused', 'STS answered without keys')
  const until = Temporal.Instant.fromEpochMilliseconds(Expiration.getTime())
  return {
    keys: { accessKeyId, secretAccessKey, sessionToken },
    until,
    issuedAt: until.subtract({ seconds: request.seconds }),
    seconds: request.seconds,
    arn,
    warnings: []
  }
}

interface Told {
  readonly call: IssueCall
  readonly handle: SessionHandle
  readonly order: SessionOrder
  readonly made: Made
}

function issued(engine: Engine, { call, handle, order, made }: Told): Issued {
  const { clock } = engine.context
  const now = clock.now()
  const { keys, until, arn } = made
  // The clock of AWS ends it; where ours is ahead, its end by ours is later than what AWS wrote.
  const ends = later(until, now.add({ seconds: made.seconds }))
  return {
    secret: new Secret({
      access_key: keys.accessKeyId,
      secret_key: keys.secretAccessKey,
      security_token: keys.sessionToken,
      session_token: keys.sessionToken,
      ...(arn !== undefined && { arn }),
      ttl: Math.max(0, Math.floor((until.epochMilliseconds - clock.now().epochMilliseconds) / 1_000))
    }),
    handle: {
      ...handle,
      until: ends.toString(),
      issuedAt: later(made.issuedAt, now).toString(),
      accessKey: keys.accessKeyId
    } satisfies SessionHandle,
    until,
    // What CloudTrail and the bill know it by.
    visible: { access_key: keys.accessKeyId },
    warnings: made.warnings,
    ...(order.waitUntilUsable && {
      afterwards: signal => waitUntilUsable(engine, { target: call.target, keys: new Secret(keys) }, signal)
    })
  }
}

const later = (a: Temporal.Instant, b: Temporal.Instant): Temporal.Instant => (Temporal.Instant.compare(a, b) > 0 ? a : b)

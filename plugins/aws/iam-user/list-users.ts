import { GetUserCommand, GetUserPolicyCommand, ListUsersCommand } from '@aws-sdk/client-iam'
import type { IAMClient, User } from '@aws-sdk/client-iam'
import { BrokerError } from 'mayfly/plugin'
import type { Found, Json, TargetId } from 'mayfly/plugin'
import type { Account } from '../account/account.ts'
import { isMissing } from '../account/aws-error.ts'
import type { Lane } from '../account/call-budget.ts'
import type { Engine } from '../engine.ts'
import { numberOf } from '../root/root-config.ts'
import { expiryIn, expiryPolicyName } from './dead-man.ts'
import { plainRecipe } from './frozen.ts'
import type { Handle } from './frozen.ts'
import { isBrokersPath, markedLease, ownsPath } from './mark.ts'
import { looksLikeOurs } from './user-name.ts'

// What one page holds; AWS may give less. An account has 5,000 users unless AWS was asked for more.
const pageSizeMax = 1_000

// The store looks up so many names at once.
const namesAtOnceMax = 500

// Users that have a lease are asked for their end as long as there are not too many: each is a call, and only after a restore does their end tell anything new.
const askedMax = 300

/** Everybody in the account that is ours or looks as if, page by page. */
export async function* listUsers(engine: Engine, target: TargetId, signal: AbortSignal): AsyncGenerator<Found> {
  const { account, version } = await engine.accounts.ofVersion(numberOf(target))
  if (version.account === null) throw new BrokerError('integrity', 'the account of the root is not on record')
  let asked = 0
  for await (const page of pagesOfUsers(account, 'issue', signal)) {
    const suspects = page.filter(({ Path = '', UserName = '' }) => isBrokersPath(Path) || looksLikeOurs(UserName))
    const known = await leased(engine, suspects)
    for (const user of suspects) {
      const isKnown = ownsPath(engine.context, user.Path ?? '') && known.has(user.UserName ?? '')
      const found = isKnown
        ? await knownUser(account, user, asked++ < askedMax, signal)
        : await lookAt(engine, account, version.account, user, signal)
      if (found) yield found
    }
  }
}

async function leased({ context }: Engine, users: readonly User[]): Promise<ReadonlySet<string>> {
  const known = new Set<string>()
  for (let from = 0; from < users.length; from += namesAtOnceMax) {
    const names = users.slice(from, from + namesAtOnceMax).map(({ UserName = '' }) => UserName)
    for (const { name, state } of await context.leases.named(names)) if (state !== 'revoked') known.add(name)
  }
  return known
}

async function knownUser(account: Account, { UserName: name = '', UserId }: User, asks: boolean, signal: AbortSignal): Promise<Found> {
  const until = asks ? await endOf(account, name, signal) : undefined
  const handle: Handle = { v: 1, name, ...(UserId && { userId: UserId }) }
  return { name, enabled: true, marked: 'ours', handle, recipe: plainRecipe as unknown as Json, ...(until && { until }) }
}

async function endOf(account: Account, UserName: string, signal: AbortSignal): Promise<Temporal.Instant | undefined> {
  const input = { UserName, PolicyName: expiryPolicyName }
  const policy = await unlessMissing(account, (iam, at) => iam.send(new GetUserPolicyCommand(input), at), signal)
  return policy?.PolicyDocument === undefined ? undefined : expiryIn(decodeURIComponent(policy.PolicyDocument))
}

/** Their ids by their names, in lower case, as IAM compares them. */
export async function idsOfUsers(account: Account, lane: Lane, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>()
  for await (const page of pagesOfUsers(account, lane, signal))
    for (const { UserName, UserId = '' } of page) if (UserName) ids.set(UserName.toLowerCase(), UserId)
  return ids
}

async function* pagesOfUsers(account: Account, lane: Lane, signal: AbortSignal): AsyncGenerator<readonly User[]> {
  for (let Marker: string | undefined, more = true; more;) {
    const input = { MaxItems: pageSizeMax, ...(Marker && { Marker }) }
    const page = await account.iam((iam, at) => iam.send(new ListUsersCommand(input), at), { lane }, signal)
    yield page.Users ?? []
    Marker = page.Marker
    more = page.IsTruncated === true && Marker !== undefined
  }
}

/** A list has no tags: whose a user is says a look at it. */
async function lookAt(
  engine: Engine,
  account: Account,
  accountId: string,
  { UserName: name = '', Path = '' }: User,
  signal: AbortSignal
): Promise<Found | undefined> {
  if (isBrokersPath(Path) && !ownsPath(engine.context, Path)) return { name, enabled: true, marked: 'foreign' }
  const seen = await unlessMissing(account, (iam, at) => iam.send(new GetUserCommand({ UserName: name }), at), signal)
  // It went meanwhile.
  if (!seen?.User) return undefined
  const leasePart = markedLease(engine.context, { account: accountId, name }, seen.User.Tags ?? [])
  if (leasePart === undefined) return { name, enabled: true, marked: 'missing' }
  const until = await endOf(account, name, signal)
  const handle: Handle = { v: 1, name, ...(seen.User.UserId && { userId: seen.User.UserId }) }
  return { name, enabled: true, marked: 'ours', handle, recipe: plainRecipe as unknown as Json, leasePart, ...(until && { until }) }
}

async function unlessMissing<T>(
  account: Account,
  call: (iam: IAMClient, at: { readonly abortSignal: AbortSignal }) => Promise<T>,
  signal: AbortSignal
): Promise<T | undefined> {
  try {
    return await account.iam(call, { lane: 'issue' }, signal)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

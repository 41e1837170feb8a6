/** Writes what is to be cut of one role's sessions into an inline policy of the role. A task: it runs never twice at a time, on whichever node, and where a new cut overtakes
 *  it, it runs again; so one hand writes the policy, and it always writes all that is on record. */
import { DeleteRolePolicyCommand, PutRolePolicyCommand } from '@aws-sdk/client-iam'
import { BrokerError } from 'mayfly/plugin'
import type { BackendContext, Json, MountStorage, TargetId, Task, TaskOutcome } from 'mayfly/plugin'
import type { Account } from '../account/account.ts'
import { awsCode, isMissing } from '../account/aws-error.ts'
import type { Engine } from '../engine.ts'
import { presentAccount } from '../root/present-account.ts'
import { cutPolicy } from './cut-policy.ts'
import type { CutPolicy } from './cut-policy.ts'
import { cutKey, publishedKey, readCuts, readPublished, roleDigest } from './cuts.ts'
import type { Published } from './cuts.ts'

/** Key of the backend's task. Rows of the store name it: never rename it. */
export const publishCuts = 'publish-cuts'

export type CutIntent = { readonly target: TargetId; readonly roleArn: string }

// Of the 10,240 characters that all inline policies of a role may have together. Others may be there: AWS says when it is too much.
const charsMax = 10_000
const charsMin = 500

// Ends of sessions that lie close together are cleared away together.
const clearEveryMs = 300_000

export function cutPublishing(engine: Engine): Task {
  return { endsAccess: true, run: (intent, storage, signal) => publish(engine, intentOf(intent), storage, signal) }
}

async function publish(engine: Engine, { target, roleArn }: CutIntent, storage: MountStorage, signal: AbortSignal): Promise<TaskOutcome> {
  const { clock } = engine.context
  const digest = roleDigest(roleArn)
  const [cuts, { published, row }] = [await readCuts(storage, digest), await readPublished(storage, digest)]
  const now = clock.now()
  for (const cut of cuts) if (Temporal.Instant.compare(cut.until, now) <= 0) storage.remove(cutKey(digest, cut))
  const account = await accountOf(engine, target, storage)
  const made = await write(account, { roleArn, policyName: cutPolicyName(engine.context) }, room => cutPolicy(cuts, now, room), signal)
  if (made.cut.length === 0 && made.leftOut.length === 0) {
    if (row > 0) storage.remove(publishedKey(digest), row)
    return { done: true, did: 'cut nothing any more' }
  }
  storage.put(publishedKey(digest), nextPublished(made, published, clock.now()), row)
  return outcome(made, now)
}

/** That of the leases, while their root is kept; clearing away may come after it. */
async function accountOf(engine: Engine, target: TargetId, storage: MountStorage): Promise<Account> {
  try {
    return await engine.accounts.at(target)
  } catch (error) {
    if (!(error instanceof BrokerError) || error.code !== 'integrity') throw error
    return (await presentAccount(engine, storage, publishCuts)).account
  }
}

/** Of one mount of one broker: another's is its own. */
export const cutPolicyName = ({ instance, mount }: BackendContext): string => `mayfly-cut-${instance.slice(0, 8)}-${mount.uuid.slice(0, 8)}`

async function write(
  account: Account,
  { roleArn, policyName }: { readonly roleArn: string; readonly policyName: string },
  policyIn: (room: number) => CutPolicy,
  signal: AbortSignal
): Promise<CutPolicy> {
  const names = { RoleName: roleArn.slice(roleArn.lastIndexOf('/') + 1), PolicyName: policyName }
  for (let room = charsMax; ; room = Math.floor(room / 2)) {
    const policy = policyIn(room)
    try {
      if (policy.document === undefined)
        await account.iam((iam, at) => iam.send(new DeleteRolePolicyCommand(names), at), { lane: 'revoke' }, signal)
      else {
        const command = new PutRolePolicyCommand({ ...names, PolicyDocument: policy.document })
        await account.iam((iam, at) => iam.send(command, at), { lane: 'revoke' }, signal)
      }
      return policy
    } catch (error) {
      // The role itself is not there.
      if (isMissing(error)) return { document: undefined, cut: [], leftOut: [...policy.cut, ...policy.leftOut] }
      if (awsCode(error) !== 'LimitExceeded' || room <= charsMin) throw error
    }
  }
}

function nextPublished({ cut, leftOut }: CutPolicy, before: Published, now: Temporal.Instant): Published {
  const since = Object.fromEntries(cut.map(({ part }) => [part, before.since[part] ?? now.toString()]))
  const last = leftOut
    .map(({ until }) => until)
    .toSorted((a, b) => Temporal.Instant.compare(a, b))
    .at(-1)
  return { since, leftOutUntil: last?.toString() ?? null }
}

function outcome({ cut, leftOut }: CutPolicy, now: Temporal.Instant): TaskOutcome {
  const did = `cut ${cut.length} sessions`
  const [first] = [...cut, ...leftOut].map(({ until }) => until).toSorted((a, b) => Temporal.Instant.compare(a, b))
  const soonest = now.add({ milliseconds: clearEveryMs })
  const again = Temporal.Instant.compare(first!, soonest) < 0 ? soonest : first!
  if (leftOut.length === 0) return { again, did }
  const why = cut.length === 0 ? 'the role is not there' : 'the policy of the role has no more room'
  return { again: soonest, did, why: `${why}: ${leftOut.length} sessions end by themselves` }
}

const intentOf = (intent: Json): CutIntent => intent as CutIntent

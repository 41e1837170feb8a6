/** Gives the root's user another key. One of those on record always works, and no third is ever asked for:
 *
 *    rotate-root   the user has one key, and it is on record that another is about to be made
 *    make          a key besides the old one is what an earlier run made and did not live to tell: it is deleted, and a new one made
 *    prove         with the new key, three answers in a row, because AWS hears of a key now here, now there
 *    commit        the new key is the root's
 *    retire        a minute later, when no call is under way with it, the old key is deactivated and deleted
 *
 *  A crash between any two of them runs it again from the last one that is on record. */
import { CreateAccessKeyCommand, DeleteAccessKeyCommand, ListAccessKeysCommand, UpdateAccessKeyCommand } from '@aws-sdk/client-iam'
import { BrokerError, Secret, unhandled } from 'mayfly/plugin'
import type { MountStorage, Task, TaskOutcome } from 'mayfly/plugin'
import { isMissing } from '../account/aws-error.ts'
import type { Engine } from '../engine.ts'
import { readRotation, rotationKey } from './pending-rotation.ts'
import type { PendingRotation } from './pending-rotation.ts'
import { keptVersions, readRoot, rootKey, versionKey } from './root-config.ts'
import { untilUsable } from '../usable/until-usable.ts'

const proveMsMax = 30_000
const proveAgainMs = 10_000
const retireAfterMs = 60_000

// Ids of keys that an operator may still have in a file.
const formerMax = 16

type Pending<Stage extends PendingRotation['stage']> = Extract<PendingRotation, { readonly stage: Stage }>

export function rootRotation(engine: Engine): Task {
  return { run: (_, storage, signal) => rotate(engine, storage, signal) }
}

async function rotate(engine: Engine, storage: MountStorage, signal: AbortSignal): Promise<TaskOutcome> {
  const stored = await readRotation(storage)
  if (!stored) return { done: true, did: 'found nothing to rotate' }
  const { pending, row } = stored
  const version = (await keptVersions(storage)).find(({ number }) => number === pending.version)?.version
  if (!version || (pending.stage !== 'retire' && version.accessKey !== pending.from)) return abandon(engine, storage, pending, row, signal)
  switch (pending.stage) {
    case 'make':
      return prove(engine, storage, { ...pending, stage: 'prove', next: await make(engine, pending, signal) }, row, signal)
    case 'prove':
      return prove(engine, storage, pending, row, signal)
    case 'retire':
      return retire(engine, storage, pending, row, signal)
    default:
      return unhandled(pending)
  }
}

async function make(
  engine: Engine,
  { version, user: UserName, from }: Pending<'make'>,
  signal: AbortSignal
): Promise<Pending<'prove'>['next']> {
  const { account } = await engine.accounts.ofVersion(version)
  const { AccessKeyMetadata = [] } = await account.iam(
    (iam, at) => iam.send(new ListAccessKeysCommand({ UserName }), at),
    { lane: 'revoke' },
    signal
  )
  for (const { AccessKeyId } of AccessKeyMetadata)
    if (AccessKeyId !== undefined && AccessKeyId !== from) await removeKey(engine, version, UserName, AccessKeyId, signal)
  const command = new CreateAccessKeyCommand({ UserName })
  const { AccessKey } = await account.iam((iam, at) => iam.send(command, at), { lane: 'revoke', once: true }, signal)
  if (!AccessKey?.AccessKeyId || !AccessKey.SecretAccessKey) throw new BrokerError('target_silent', 'AWS does not tell the new key')
  return { accessKey: AccessKey.AccessKeyId, secretKey: AccessKey.SecretAccessKey }
}

/** The new key becomes the root's, in the commit of this run; until it is seen to work it is kept beside the old one. */
async function prove(
  engine: Engine,
  storage: MountStorage,
  pending: Pending<'prove'>,
  row: number,
  signal: AbortSignal
): Promise<TaskOutcome> {
  const { clock } = engine.context
  if (!(await isUsable(engine, pending, signal))) {
    storage.put(rotationKey, pending, row)
    return { again: clock.now().add({ milliseconds: proveAgainMs }), why: 'AWS does not take the new key yet' }
  }
  for (const { number, version, row: versionRow } of await keptVersions(storage))
    if (version.accessKey === pending.from) storage.put(versionKey(number), { ...version, ...pending.next }, versionRow)
  const root = await readRoot(storage)
  if (root)
    storage.put(rootKey, { ...root.config, formerKeys: [...(root.config.formerKeys ?? []), pending.from].slice(-formerMax) }, root.row)
  const { version, user, from } = pending
  storage.put(rotationKey, { stage: 'retire', version, user, from } satisfies PendingRotation, row)
  return { again: clock.now().add({ milliseconds: retireAfterMs }), did: 'rotated' }
}

async function isUsable(engine: Engine, { version: number, next }: Pending<'prove'>, signal: AbortSignal): Promise<boolean> {
  const { version } = await engine.accounts.ofVersion(number)
  using account = engine.accounts.open(version, new Secret({ accessKeyId: next.accessKey, secretAccessKey: next.secretKey }))
  const ask = async (signal: AbortSignal) => (await account.now(signal)).epochMilliseconds > 0
  return await untilUsable(ask, { clock: engine.context.clock, msMax: proveMsMax, signal })
}

async function retire(
  engine: Engine,
  storage: MountStorage,
  pending: Pending<'retire'>,
  row: number,
  signal: AbortSignal
): Promise<TaskOutcome> {
  await removeKey(engine, pending.version, pending.user, pending.from, signal)
  storage.remove(rotationKey, row)
  return { done: true, did: 'deleted the old key' }
}

/** Somebody wrote another root meanwhile. What was made for the rotation is not left behind, as far as that root may remove it. */
async function abandon(
  engine: Engine,
  storage: MountStorage,
  pending: PendingRotation,
  row: number,
  signal: AbortSignal
): Promise<TaskOutcome> {
  storage.remove(rotationKey, row)
  if (pending.stage === 'prove')
    await removeKey(engine, pending.version, pending.user, pending.next.accessKey, signal).catch((error: unknown) =>
      engine.context.log.warn(
        'a key that was made for a rotation may still be there',
        { user: pending.user, access_key: pending.next.accessKey },
        error
      )
    )
  return { done: true, did: 'found another root' }
}

async function removeKey(engine: Engine, version: string, UserName: string, AccessKeyId: string, signal: AbortSignal): Promise<void> {
  const { account } = await engine.accounts.ofVersion(version)
  try {
    await account.iam(
      (iam, at) => iam.send(new UpdateAccessKeyCommand({ UserName, AccessKeyId, Status: 'Inactive' }), at),
      { lane: 'revoke' },
      signal
    )
    await account.iam((iam, at) => iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }), at), { lane: 'revoke' }, signal)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

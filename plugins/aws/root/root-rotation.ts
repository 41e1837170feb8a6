/** Gives the root's user another key. One of those on record always works, and no third is ever asked for:
 *
 *    rotate-root   the user has one key, and it is on record that another is about to be made
 *    make          a key besides the old one is what an earlier run made and did not live to tell: it is deleted, and a new one made
 *    prove         with the new key, three answers in a row, because AWS hears of a key now here, now there
 *    commit        the new key is the root's
 *    retire        a minute later, when no call is under way with it, the old key is deactivated and deleted
 *
 *  A crash between any two of them runs it again from the last one that is on record, and so does silence. Where AWS refuses to make a key, and none was made of which nobody heard, it ends: the
 *  old key stays. */
import { BrokerError, Secret, unhandled } from 'mayfly/plugin'
import type { MountStorage, Task, TaskOutcome } from 'mayfly/plugin'
import { isRootRefused } from '../account/aws-error.ts'
import type { Engine } from '../engine.ts'
import { anotherKey } from './another-key.ts'
import { readRotation, rotationKey, runsSequence } from './pending-rotation.ts'
import type { PendingRotation } from './pending-rotation.ts'
import { keptVersions, readRoot, rootKey, versionKey } from './root-config.ts'
import { createKey, endKey, listKeys } from '../static/user-keys.ts'
import { untilUsable } from '../usable/until-usable.ts'

const proveMsMax = 30_000
const proveAgainMs = 10_000
const retireAfterMs = 60_000

// Ids of keys that an operator may still have in a file.
const formerMax = 16

const isRefusal = (error: unknown): error is BrokerError =>
  error instanceof BrokerError && (error.code === 'target_refused' || error.code === 'quota_exceeded')

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
      return make(engine, storage, pending, row, signal)
    case 'prove':
      return proveAgain(engine, storage, pending, row, signal)
    case 'retire':
      return retire(engine, storage, pending, row, signal)
    default:
      return unhandled(pending)
  }
}

async function make(
  engine: Engine,
  storage: MountStorage,
  pending: Pending<'make'>,
  row: number,
  signal: AbortSignal
): Promise<TaskOutcome> {
  const isFirst = (await storage.reserve(runsSequence, 1)) - 1 === pending.runs
  const next = await newKey(engine, pending, isFirst, signal)
  if (typeof next !== 'string') return prove(engine, storage, { ...pending, stage: 'prove', next }, row, signal)
  return giveUp(engine, storage, pending, row, next)
}

/** Or why there is none, and none ever was: when AWS was never asked before, or has been so for so long that a key of which nobody heard would be in its list. */
async function newKey(
  engine: Engine,
  pending: Pending<'make'>,
  isFirst: boolean,
  signal: AbortSignal
): Promise<Pending<'prove'>['next'] | string> {
  try {
    const others = await otherKeys(engine, pending, signal)
    if (isFirst && others[0] !== undefined) return anotherKey(pending.user, others[0])
    for (const key of others) await removeKey(engine, pending, key, signal)
  } catch (error) {
    if (isFirst && isRefusal(error)) return error.message
    throw error
  }
  const made = await keyOrRefusal(engine, pending, signal)
  if (!(made instanceof BrokerError)) return made
  if (isFirst || isNoneLeft(engine, made)) return made.message
  throw made
}

/** What is neither may have made one. */
async function keyOrRefusal(
  engine: Engine,
  pending: Pending<'make'>,
  signal: AbortSignal
): Promise<Pending<'prove'>['next'] | BrokerError> {
  const { account } = await engine.accounts.ofVersion(pending.version)
  try {
    const { accessKeyId: accessKey, secretAccessKey: secretKey } = (await createKey(account, pending.user, signal, 'revoke')).reveal()
    engine.madeKeys.mayBe()
    return { accessKey, secretKey }
  } catch (error) {
    if (isRefusal(error)) return error
    engine.madeKeys.mayBe()
    throw error
  }
}

/** One that AWS does not list yet shows as a limit that is reached. */
function isNoneLeft({ madeKeys }: Engine, refused: BrokerError): boolean {
  return refused.code === 'target_refused' && !isRootRefused(refused) && madeKeys.areListed()
}

async function giveUp(
  engine: Engine,
  storage: MountStorage,
  { user, from }: PendingRotation,
  row: number,
  why: string
): Promise<TaskOutcome> {
  engine.context.log.warn('a root rotation was given up, and the key stays', { user, access_key: from, why })
  storage.remove(rotationKey, row)
  return { done: true, did: 'kept the old key', why }
}

async function otherKeys(engine: Engine, { version, user, from }: PendingRotation, signal: AbortSignal): Promise<readonly string[]> {
  const { account } = await engine.accounts.ofVersion(version)
  return (await listKeys(account, user, signal, 'revoke')).filter(key => key !== from)
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

/** Made by a run before this one, and in the list after a while. One that somebody has deleted is never taken. */
async function proveAgain(
  engine: Engine,
  storage: MountStorage,
  pending: Pending<'prove'>,
  row: number,
  signal: AbortSignal
): Promise<TaskOutcome> {
  // The list only saves a wait: without the right to it the key is tried as long as it takes.
  const others = engine.madeKeys.areListed() ? await otherKeys(engine, pending, signal).catch(() => undefined) : undefined
  if (others === undefined || others.includes(pending.next.accessKey)) return prove(engine, storage, pending, row, signal)
  await removeMade(engine, pending, signal)
  return giveUp(engine, storage, pending, row, `the new key ${pending.next.accessKey} is not there any more`)
}

async function isUsable(engine: Engine, { version: number, next }: Pending<'prove'>, signal: AbortSignal): Promise<boolean> {
  const { version } = await engine.accounts.ofVersion(number)
  using account = engine.accounts.open(version, new Secret({ accessKeyId: next.accessKey, secretAccessKey: next.secretKey }))
  const ask = async (signal: AbortSignal) => (await account.now(signal)).epochMilliseconds > 0
  return await untilUsable(ask, { clock: engine.context.clock, msMax: proveMsMax, signal })
}

/** Nobody else's key stays valid that is to go: it is tried for ever. */
async function retire(
  engine: Engine,
  storage: MountStorage,
  pending: Pending<'retire'>,
  row: number,
  signal: AbortSignal
): Promise<TaskOutcome> {
  try {
    await removeKey(engine, pending, pending.from, signal)
  } catch (error) {
    if (!isRefusal(error)) throw error
    return keepsOld(engine, storage, pending, row, error.message)
  }
  storage.remove(rotationKey, row)
  return { done: true, did: 'deleted the old key' }
}

function keepsOld({ context }: Engine, storage: MountStorage, pending: Pending<'retire'>, row: number, trouble: string): TaskOutcome {
  if (trouble !== pending.trouble)
    context.log.error('the old key of a root rotation could not be deleted', { user: pending.user, access_key: pending.from, why: trouble })
  storage.put(rotationKey, { ...pending, trouble } satisfies PendingRotation, row)
  return { again: context.clock.now().add({ milliseconds: retireAfterMs }), why: trouble }
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
  if (pending.stage === 'prove') await removeMade(engine, pending, signal)
  return { done: true, did: 'found another root' }
}

async function removeMade(engine: Engine, pending: Pending<'prove'>, signal: AbortSignal): Promise<void> {
  const { user, next } = pending
  await removeKey(engine, pending, next.accessKey, signal).catch((error: unknown) =>
    engine.context.log.warn('a key that was made for a rotation may still be there', { user, access_key: next.accessKey }, error)
  )
}

async function removeKey(engine: Engine, { version, user }: PendingRotation, accessKey: string, signal: AbortSignal): Promise<void> {
  const { account } = await engine.accounts.ofVersion(version)
  await endKey(account, user, accessKey, signal)
}

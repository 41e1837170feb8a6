/** What is left to do when a static role was deleted: the keys that it made end, the user stays. */
import type { Json, MountStorage, Task, TaskOutcome } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { presentAccount } from '../root/present-account.ts'
import type { Account } from '../account/account.ts'
import { endKey, findUser, holderOf, letGoOfUser, listKeys } from './user-keys.ts'

/** Key of the backend's task. Rows of the store name it: never rename it. */
export const endStatic = 'end-static'

// A run that makes a key at this very moment is over by then, and its key is found by a second look.
const runMsMax = 90_000
const secondLook = true

export type EndIntent = {
  readonly username: string
  readonly userId: string
  readonly keys: readonly string[]
  /** While a key was being made: which were there before. */
  readonly making: readonly string[] | null
  /** The row by which nobody else has this user; it goes when its keys are gone. */
  readonly claim: string
}

export function staticEnding(engine: Engine): Task {
  return { run: (intent, storage, signal) => end(engine, intentOf(intent), storage, signal) }
}

async function end(engine: Engine, intent: EndIntent, storage: MountStorage, signal: AbortSignal): Promise<TaskOutcome> {
  const { account } = await presentAccount(engine, storage, endStatic)
  const holder = holderOf(engine.context)
  const did = await endKeys(account, holder, intent, signal)
  const looked = (await storage.get(intent.claim))?.value
  if (intent.making !== null && looked !== secondLook) {
    storage.put(intent.claim, secondLook)
    return { again: engine.context.clock.now().add({ milliseconds: runMsMax }), did }
  }
  await letGo(account, holder, intent, signal)
  storage.remove(intent.claim)
  return { done: true, did }
}

async function endKeys(
  account: Account,
  holder: string,
  { username, userId, keys, making }: EndIntent,
  signal: AbortSignal
): Promise<string> {
  const found = await findUser(account, username, signal)
  if (found?.userId !== userId) return 'found no such user'
  const isHeld = found.holder === undefined || found.holder === holder
  const isOurs = (key: string) => keys.includes(key) || (isHeld && making !== null && !making.includes(key))
  const ours = (await listKeys(account, username, signal)).filter(isOurs)
  for (const key of ours) await endKey(account, username, key, signal)
  return `ended ${ours.length} keys`
}

async function letGo(account: Account, holder: string, { username, userId }: EndIntent, signal: AbortSignal): Promise<void> {
  const found = await findUser(account, username, signal)
  if (found?.userId === userId && found.holder === holder) await letGoOfUser(account, username, signal)
}

const intentOf = (intent: Json): EndIntent => intent as unknown as EndIntent

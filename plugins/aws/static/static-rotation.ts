/** Changes the keys of static roles, each run of it one step and one commit:
 *
 *    prepare   which keys of the user stay, durable before anything is done
 *    make      the others go, a new one is made, and takes the place of the present one once AWS takes it
 *
 *  What crashes between the new key and its commit is found by the next run as a key that was not to stay. */
import { BrokerError } from 'mayfly/plugin'
import type { MountStorage, TargetId, Task, TaskOutcome } from 'mayfly/plugin'
import type { Account } from '../account/account.ts'
import type { Engine } from '../engine.ts'
import { presentAccount } from '../root/present-account.ts'
import { waitUntilUsable } from '../usable/wait-until-usable.ts'
import { readStaticCredential, readStaticRole, staticCredentialKey } from './static-role.ts'
import type { StaticCredential, StaticRole } from './static-role.ts'
import { createKey, endKey, findUser, holderOf, holdUser, listKeys } from './user-keys.ts'

/** Key of the backend's task. Rows of the store name it: never rename it. */
export const rotateStatic = 'rotate-static'

export function staticRotation(engine: Engine): Task {
  return { run: (intent, storage, signal) => step(engine, (intent as { readonly name: string }).name, storage, signal) }
}

interface Turn {
  readonly name: string
  readonly role: StaticRole
  readonly credential: StaticCredential
  readonly version: number
  readonly account: Account
  readonly target: TargetId
}

async function step(engine: Engine, name: string, storage: MountStorage, signal: AbortSignal): Promise<TaskOutcome> {
  const [stored, kept] = [await readStaticRole(storage, name), await readStaticCredential(storage, name)]
  if (!stored || !kept) return { done: true, did: 'found no role' }
  const { credential, version } = kept
  const nextAt = Temporal.Instant.from(credential.nextAt)
  if (credential.making === null && Temporal.Instant.compare(nextAt, engine.context.clock.now()) > 0) return { again: nextAt }
  const { account, target } = await presentAccount(engine, storage, rotateStatic)
  const turn = { name, role: stored.role, credential, version, account, target }
  await hold(engine, turn, signal)
  return credential.making === null
    ? await prepare(engine, turn, storage, signal)
    : await make(engine, turn, credential.making, storage, signal)
}

/** Somebody deleted the user, or made another of the same name, or the root leads to another account, or another mount has it now: its keys are not ours. Of two that take it at the
 *  same time the later has it, and the other finds that out here before it touches a key again. */
async function hold(engine: Engine, { role, account }: Turn, signal: AbortSignal): Promise<void> {
  const { username } = role
  const found = await findUser(account, username, signal)
  const holder = holderOf(engine.context)
  if (found?.userId === role.userId && found.holder === undefined) return await holdUser(account, username, holder, signal)
  if (found?.userId === role.userId && found.holder === holder) return
  const what =
    found?.userId === role.userId
      ? 'is the user of a static role of another mount'
      : found
        ? 'is another one than this role was written for'
        : 'is not there'
  throw new BrokerError('target_refused', `the user "${username}" ${what}: delete the static role, and write it anew where that is meant`)
}

async function prepare(engine: Engine, turn: Turn, storage: MountStorage, signal: AbortSignal): Promise<TaskOutcome> {
  const { name, role, credential, version, account } = turn
  const making = staying(await listKeys(account, role.username, signal), credential.accessKey)
  storage.put(staticCredentialKey(name), { ...credential, making } satisfies StaticCredential, version)
  return { again: engine.context.clock.now(), did: 'made room for the next key' }
}

/** At most one key, so that there is room: the present one, else the newest of whoever had the user before. */
export function staying(keys: readonly string[], present: string | null): readonly string[] {
  if (present !== null && keys.includes(present)) return [present]
  return keys.length < 2 ? keys : keys.slice(-1)
}

async function make(
  engine: Engine,
  turn: Turn,
  making: readonly string[],
  storage: MountStorage,
  signal: AbortSignal
): Promise<TaskOutcome> {
  const { name, role, credential, version, account, target } = turn
  for (const key of await listKeys(account, role.username, signal))
    if (!making.includes(key)) await endKey(account, role.username, key, signal)
  const keys = await createKey(account, role.username, signal)
  const { clock } = engine.context
  await waitUntilUsable(engine, { target, keys }, signal)
  const now = clock.now()
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = keys.reveal()
  const next: StaticCredential = {
    accessKey,
    secretKey,
    // Not one that somebody else made.
    formerKey: making.find(key => key === credential.accessKey) ?? null,
    making: null,
    rotatedAt: now.toString({ smallestUnit: 'second' }),
    nextAt: now.add({ seconds: role.period }).toString()
  }
  storage.put(staticCredentialKey(name), next, version)
  return { again: Temporal.Instant.from(next.nextAt), did: `rotated ${credential.accessKey ?? 'nothing'} to ${accessKey}` }
}

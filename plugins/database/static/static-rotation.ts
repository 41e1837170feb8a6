/** Changes the passwords of static roles, each run of it one step, and each step one commit:
 *
 *    prepare   shortly before its time the next password is chosen, and durable as `pending`
 *    rotate    at its time the server gets it, then it takes the password's place
 *
 *  A crash, an error or a lost answer in between leaves both on record, and the next run gives the server the same password again. */
import { BrokerError, Secret } from 'mayfly/plugin'
import type { Json, MountStorage, Task, TaskOutcome } from 'mayfly/plugin'
import type { ConnectionConfig } from '../connection/connection-config.ts'
import type { Engine } from '../engine.ts'
import { newPassword, passwordPolicyOf } from '../creds/password.ts'
import { untilTakenUp } from '../root/neighbours.ts'
import { RotationGate } from './rotation-gate.ts'
import { isDue, isPastWindow, nextRotation, preparedAt } from './rotation-clock.ts'
import { readStaticCredential, readStaticRole, staticCredentialKey } from './static-role.ts'
import type { StaticCredential, StaticRole } from './static-role.ts'
import { refuseElsewhere } from './static-users.ts'
import { usableConnection } from '../connection/usable-connection.ts'

// A connection and one statement with its own limits: what takes longer will not come.
const rotationMsMax = 20_000

export function staticRotation(engine: Engine): Task {
  const gate = new RotationGate(engine.context.clock)
  return { run: (intent, storage, signal) => step(engine, gate, nameOf(intent), storage, signal) }
}

interface Turn {
  readonly name: string
  readonly role: StaticRole
  readonly config: ConnectionConfig
  readonly credential: StaticCredential
  readonly version: number
  readonly now: Temporal.Instant
}

async function step(engine: Engine, gate: RotationGate, name: string, storage: MountStorage, signal: AbortSignal): Promise<TaskOutcome> {
  const [stored, kept] = [await readStaticRole(storage, name), await readStaticCredential(storage, name)]
  if (!stored || !kept) return { done: true, did: 'found no role' }
  const { credential, version } = kept
  const now = engine.context.clock.now()
  const due = isDue(credential, now)
  if (!due && (credential.pending !== null || Temporal.Instant.compare(now, preparedAt(credential)) < 0)) return { again: next(credential) }
  const { config } = await usableConnection(engine, storage, stored.role.dbName, name)
  const turn = { name, role: stored.role, config, credential, version, now }
  const { pending } = credential
  if (pending === null) return prepare(engine, turn, storage)
  return await gate.pass(config.target, signal, async () => {
    using deadline = engine.context.clock.within(rotationMsMax, signal)
    if (isPastWindow(turn.role, credential, now) && (await isUntouched(engine, turn, deadline.signal))) return putOff(engine, turn, storage)
    return await rotate(engine, turn, pending, storage, deadline.signal)
  })
}

async function prepare(
  engine: Engine,
  { name, role, config, credential, version, now }: Turn,
  storage: MountStorage
): Promise<TaskOutcome> {
  const pending = (await newPassword(engine.context, passwordPolicyOf(config, role))).reveal()
  storage.put(staticCredentialKey(name), { ...credential, pending } satisfies StaticCredential, version)
  return { again: isDue(credential, now) ? now : Temporal.Instant.from(credential.nextAt), did: 'chose the next password' }
}

async function rotate(engine: Engine, turn: Turn, pending: string, storage: MountStorage, signal: AbortSignal): Promise<TaskOutcome> {
  const { name, role, config, credential: before, version } = turn
  if (before.password === null) {
    await untilTakenUp(engine, role.claims, signal)
    await refuseElsewhere(engine, role.claims)
  }
  using held = await engine.databases.hold(config.target)
  await held.database.setPassword({ name: role.username, password: new Secret(pending), statements: role.statements }, signal)
  const now = engine.context.clock.now()
  const nextAt = nextRotation(role, now, engine.context.random).toString()
  const credential: StaticCredential = { password: pending, pending: null, rotatedAt: now.toString({ smallestUnit: 'second' }), nextAt }
  storage.put(staticCredentialKey(name), credential, version)
  return { again: next(credential), did: 'rotated' }
}

/** An earlier try may have reached the server without a word back: then the rotation is finished, whatever the time. So it is where the server does not let the user in
 *  from here at all: nothing would ever tell. */
async function isUntouched(engine: Engine, { role, config, credential }: Turn, signal: AbortSignal): Promise<boolean> {
  using held = await engine.databases.hold(config.target)
  try {
    return await held.database.mayLogIn({ name: role.username, password: new Secret(credential.password ?? '') }, signal)
  } catch (error) {
    if (error instanceof BrokerError && error.code === 'target_refused') return false
    throw error
  }
}

/** The window has gone by: the next one counts, with the password that is chosen already. */
function putOff(engine: Engine, { name, role, credential, version, now }: Turn, storage: MountStorage): TaskOutcome {
  const later = { ...credential, nextAt: nextRotation(role, now, engine.context.random).toString() }
  storage.put(staticCredentialKey(name), later, version)
  return { again: next(later), did: 'missed its window' }
}

function next(credential: StaticCredential): Temporal.Instant {
  return credential.pending === null ? preparedAt(credential) : Temporal.Instant.from(credential.nextAt)
}

const nameOf = (intent: Json): string => (intent as { readonly name: string }).name

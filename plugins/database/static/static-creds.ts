import { BrokerError, path } from 'mayfly/plugin'
import type { Answer, JsonObject, MountReader, Path } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { isDue, secondsLeft } from './rotation-clock.ts'
import { rotateRole } from './rotation-wait.ts'
import { readStaticCredential, readStaticRole, shownClock } from './static-role.ts'
import type { StaticCredential, StaticRole } from './static-role.ts'
import { usableConnection } from '../connection/usable-connection.ts'

// Who reads while a rotation is on its way gets what follows, not what is about to end. A server that does not answer holds up nobody for longer.
const waitMsMax = 3_000

/** `static-creds/:name`: the password of now, and how long it will be that. */
export function staticCredsPath(engine: Engine): Path {
  return path({
    pattern: 'static-creds/:name',
    summary: 'the present password of a static role',
    read: ({ params }, storage) => readCredential(engine, params['name'] ?? '', storage)
  })
}

async function readCredential(engine: Engine, name: string, storage: MountReader): Promise<Answer> {
  const [stored, kept] = [await readStaticRole(storage, name), await readStaticCredential(storage, name)]
  if (!stored || !kept) throw unknown(name)
  await usableConnection(engine, storage, stored.role.dbName, name)
  if (!isUnderWay(kept.credential, engine.context.clock.now())) return shown(engine, name, stored.role, kept.credential)
  return { after: { task: rotateRole, key: name, waitMsMax, answer: () => readAgain(engine, name) } }
}

async function readAgain(engine: Engine, name: string) {
  const { storage } = engine.context
  const [stored, kept] = [await readStaticRole(storage, name), await readStaticCredential(storage, name)]
  if (!stored || !kept) throw unknown(name)
  return shown(engine, name, stored.role, kept.credential)
}

function shown({ context }: Engine, name: string, role: StaticRole, credential: StaticCredential) {
  const now = context.clock.now()
  const { password, rotatedAt } = credential
  if (password === null)
    throw new BrokerError('target_unreachable', `static role "${name}" has no password yet: its first rotation goes on in the background`)
  const data: JsonObject = {
    username: role.username,
    password,
    ttl: secondsLeft(credential, now),
    ...shownClock(role),
    ...(rotatedAt !== null && { last_vault_rotation: rotatedAt })
  }
  return isUnderWay(credential, now) ? { data, warnings: [unsure] } : { data }
}

const unsure = 'a rotation is on its way and not confirmed: the server may have the next password already'

const isUnderWay = (credential: StaticCredential, now: Temporal.Instant): boolean => credential.pending !== null && isDue(credential, now)
const unknown = (name: string) => new BrokerError('unknown_role', `unknown role: ${name}`)

/** The frozen settings of a connection. Each set that reaches another server, database or account is a version of its own: a target, with an id that is
 *  never used again. A lease points at its version and is ended there, whatever became of the connection since.
 *
 *    config/<name>           what the operator wrote last, and the id of the version that new leases get
 *    connection/<name>/<n>   version n, settings and admin password included; kept as long as a lease may live there */
import { BrokerError } from 'mayfly/plugin'
import type { JsonObject, MountReader, MountStorage, Stored, TargetId } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { allKeys } from '../key-list.ts'
import { pendingRoots } from '../root/pending-root.ts'

export type ConnectionVersion = {
  /** The driver's own name. */
  readonly driver: string
  readonly identity: string
  readonly account: string
  readonly settings: JsonObject
}

export interface KeptVersion {
  readonly connection: string
  readonly target: TargetId
  readonly key: string
  readonly row: number
  readonly version: ConnectionVersion
}

/** Of what every driver calls alike. */
export function settingText({ settings }: Pick<ConnectionVersion, 'settings'>, name: 'username' | 'password'): string {
  const value = settings[name]
  return typeof value === 'string' ? value : ''
}

/** The version that `target` names, with the number of its row, or nothing when it was removed. */
export async function readVersion(storage: MountReader, target: TargetId) {
  const stored = await storage.get(versionKey(target))
  return stored && { row: stored.version, version: toVersion(stored) }
}

/** Keeps `next` as the version for new leases: the current one with newer settings when it reaches the same, else a new one. */
export async function keepVersion(
  engine: Engine,
  storage: MountStorage,
  name: string,
  current: TargetId | undefined,
  next: ConnectionVersion
) {
  const versions = await keptVersions(engine, storage, name)
  const same = versions.find(({ target, version }) => target === current && reachesTheSame(version, next))
  const target = same?.target ?? (await newTarget(engine, storage, name))
  storage.put(versionKey(target), next, same?.row ?? 0)
  // A version whose account is getting another password stays until it has it: others may log in with the account.
  const needed = new Set([current, ...(await pendingRoots(storage)).map(({ pending }) => pending.target)])
  for (const old of versions) if (old !== same) await keepOld(engine, storage, old, needed, next)
  return target
}

/** Removes a connection's versions. Refused while leases live at any of them; `retire` makes that hold until the commit. */
export async function removeVersions(engine: Engine, storage: MountStorage, name: string): Promise<void> {
  const versions = await keptVersions(engine, storage, name)
  let live = 0
  for (const { target } of versions) live += await engine.context.liveLeases(target)
  if (live > 0)
    throw new BrokerError('invalid_request', `connection "${name}" has ${live} live lease${live === 1 ? '' : 's'}: revoke first`)
  for (const version of versions) removeVersion(engine, storage, version)
}

async function keepOld(
  engine: Engine,
  storage: MountStorage,
  old: KeptVersion,
  needed: ReadonlySet<TargetId | undefined>,
  next: ConnectionVersion
) {
  // A request that was planned a moment ago may still begin a lease at the version that this write supersedes: a later write removes it.
  if (!needed.has(old.target) && (await engine.context.liveLeases(old.target)) === 0) return removeVersion(engine, storage, old)
  const carried = carryPassword(old.version, next)
  if (carried) storage.put(old.key, carried, old.row)
}

/** The account has one password, whichever version logs in with it. */
function carryPassword(old: ConnectionVersion, next: ConnectionVersion): ConnectionVersion | undefined {
  if (old.driver !== next.driver || old.account !== next.account) return undefined
  const password = next.settings['password']
  if (password === undefined || password === old.settings['password']) return undefined
  return { ...old, settings: { ...old.settings, password } }
}

function removeVersion(engine: Engine, storage: MountStorage, { target, key, row }: KeptVersion): void {
  storage.retire(target)
  storage.remove(key, row)
  engine.databases.close(target)
}

/** Of one connection, with what it takes to write them again. */
export async function keptVersions(engine: Engine, storage: MountReader, name: string): Promise<readonly KeptVersion[]> {
  const prefix = `connection/${name}/`
  const versions: KeptVersion[] = []
  for (const number of await allKeys(storage, prefix)) {
    const stored = await storage.get(prefix + number)
    if (!stored) continue
    const target = targetId(engine, name, number)
    versions.push({ connection: name, target, key: prefix + number, row: stored.version, version: toVersion(stored) })
  }
  return versions
}

async function newTarget(engine: Engine, storage: MountStorage, name: string): Promise<TargetId> {
  return targetId(engine, name, String(await storage.reserve('connections', 1)))
}

export const targetId = ({ context }: Pick<Engine, 'context'>, name: string, number: string) =>
  `${context.mount.uuid}/${name}/${number}` as TargetId
const versionKey = (target: TargetId): string => `connection/${target.slice(target.indexOf('/') + 1)}`
const toVersion = (stored: Stored) => stored.value as ConnectionVersion
const reachesTheSame = (a: ConnectionVersion, b: ConnectionVersion): boolean => a.driver === b.driver && a.identity === b.identity

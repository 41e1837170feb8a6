/** One account, one static role: two of them would take each other's password away. A claim is a row that exists once, made in the commit that makes the role.
 *
 *    static-users/of/<connection>/<user>   by the connection's name, wherever it points
 *    static-users/at/<server and user>     by the server, whichever connections and admin accounts lead there */
import { createHash } from 'node:crypto'
import { BrokerError } from 'mayfly/plugin'
import type { Connection, DatabaseDriver, MountReader, MountStorage } from 'mayfly/plugin'
import { readConfig } from '../connection/connection-config.ts'
import type { ConnectionConfig } from '../connection/connection-config.ts'
import { keptVersions, settingText } from '../connection/connection-versions.ts'
import type { Engine } from '../engine.ts'
import { allKeys } from '../key-list.ts'

/** The claims of a role that is being made. Refuses an account that another role or the engine itself rotates. */
export async function claimUser(
  engine: Engine,
  storage: MountStorage,
  role: { readonly name: string; readonly dbName: string; readonly username: string },
  driver: DatabaseDriver,
  config: ConnectionConfig
): Promise<readonly string[]> {
  const asUser = driver.connection({ ...config.fields, username: role.username }, { tls: 'any' })
  const there = atServer(driver.name, asUser.account, role.username)
  const admin = await connectionOfAdmin(engine, storage, there)
  if (admin !== undefined) throw refusal(`it is the admin account of connection "${admin}", and would lock the engine out: use rotate-root`)
  await refuseElsewhere(engine, [there])
  const claims = [ofConnection(role.dbName, role.username), there]
  for (const claim of claims) {
    const holder = await holderOf(storage, claim)
    if (holder !== undefined) throw refusal(`static role "${holder}" rotates this account already`)
  }
  for (const claim of claims) storage.put(claim, role.name, 0)
  return claims
}

/** Another mount of this broker would be locked out, or would lock this one out. Two mounts that claim an account at the same time do not see each other; before a role changes a password for
 *  the first time, with its claims in the store, it looks again: who comes second sees the first, and both may see each other. */
export async function refuseElsewhere(engine: Engine, claims: readonly string[]): Promise<void> {
  for (const other of engine.neighbours())
    for (const there of claims.filter(claim => claim.startsWith(serverPrefix))) {
      const { storage, mount } = other.context
      const admin = await connectionOfAdmin(other, storage, there)
      if (admin !== undefined)
        throw refusal(`it is the admin account of connection "${admin}" of the mount ${mount.path}, which would be locked out`)
      const holder = await holderOf(storage, there)
      if (holder !== undefined) throw refusal(`static role "${holder}" of the mount ${mount.path} rotates this account already`)
    }
}

/** The static role that rotates the admin account of a connection, if any, of this mount or another: it would lock the engine out. */
export async function staticRoleOfAdmin(
  engine: Engine,
  storage: MountReader,
  name: string,
  driver: DatabaseDriver,
  connection: Connection
): Promise<string | undefined> {
  const username = connection.settings.reveal()['username']
  if (typeof username !== 'string') return undefined
  const there = atServer(driver.name, connection.account, username)
  const own = (await holderOf(storage, ofConnection(name, username))) ?? (await holderOf(storage, there))
  if (own !== undefined) return `"${own}"`
  for (const { context } of engine.neighbours()) {
    const holder = await holderOf(context.storage, there)
    if (holder !== undefined) return `"${holder}" of the mount ${context.mount.path}`
  }
  return undefined
}

/** The connection that logs in with an account, now or to end the leases of an older version. Connections are few, and this is no hot path. */
async function connectionOfAdmin(engine: Engine, storage: MountReader, there: string): Promise<string | undefined> {
  for (const name of await allKeys(storage, 'config/')) {
    const current = (await readConfig(storage, name))?.config.target
    for (const { target, version } of await keptVersions(engine, storage, name)) {
      if (atServer(version.driver, version.account, settingText(version, 'username')) !== there) continue
      if (target === current || (await engine.context.liveLeases(target)) > 0) return name
    }
  }
  return undefined
}

/** Whether any static role rotates an account over this connection. */
export async function hasStaticRoles(storage: MountReader, connection: string): Promise<boolean> {
  return (await storage.list(`static-users/of/${connection}/`, { limit: 1 })).length > 0
}

async function holderOf(storage: MountReader, claim: string): Promise<string | undefined> {
  const stored = await storage.get(claim)
  return typeof stored?.value === 'string' ? stored.value : undefined
}

const ofConnection = (connection: string, username: string): string => `static-users/of/${connection}/${digest(username)}`
const serverPrefix = 'static-users/at/'
export const atServer = (driver: string, account: string, username: string): string => `${serverPrefix}${digest(driver, account, username)}`

/** Names of users hold what keys may not. */
const digest = (...parts: readonly string[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 40)

const refusal = (why: string) => new BrokerError('invalid_request', `username: ${why}`)

import { BrokerError, path } from 'mayfly/plugin'
import type { Answer, MountStorage, Path, TargetId } from 'mayfly/plugin'
import { readConfig } from '../connection/connection-config.ts'
import type { ConnectionConfig } from '../connection/connection-config.ts'
import { readVersion, settingText } from '../connection/connection-versions.ts'
import type { ConnectionVersion } from '../connection/connection-versions.ts'
import { driverNamed } from '../engine.ts'
import type { Engine } from '../engine.ts'
import { accountElsewhere } from './neighbours.ts'
import { newPassword, passwordPolicyOf } from '../creds/password.ts'
import { pendingRoots, pendingRootKey } from './pending-root.ts'
import type { PendingRoot } from './pending-root.ts'
import { rotateRoot, rotationWait } from '../static/rotation-wait.ts'
import { sharedAccount } from './shared-account.ts'
import { staticRoleOfAdmin } from '../static/static-users.ts'

/** `rotate-root/:name`: the admin account gets a password that only Mayfly knows. */
export function rotateRootPath(engine: Engine): Path {
  return path({
    pattern: 'rotate-root/:name',
    summary: "changes the password of a connection's admin account",
    write: ({ params }, storage) => rotateNow(engine, params['name'] ?? '', storage)
  })
}

/** The promise: the new password is durable before the server hears of it. What is on its way already is finished with the password that it has. */
async function rotateNow(engine: Engine, name: string, storage: MountStorage): Promise<Answer> {
  const stored = await readConfig(storage, name)
  if (!stored) throw refusal(`failed to find entry for connection with name: "${name}"`)
  const { config } = stored
  const current = await readVersion(storage, config.target)
  if (!current) throw new BrokerError('integrity', `no settings are kept for the target ${config.target}`)
  await refuseLockOut(engine, name, config, current.version, storage)
  const under = await rotationOf(engine, name, current.version, storage)
  if (!under) {
    const pending = await newPassword(engine.context, passwordPolicyOf(config))
    const id = engine.rootChanges.begin()
    storage.put(pendingRootKey(name), { target: config.target, password: pending.reveal(), id } satisfies PendingRoot, 0)
  }
  const key = under ?? name
  storage.schedule(rotateRoot, key, engine.context.clock.now(), { name: key })
  return rotationWait(rotateRoot, key, {
    goesOn: 'unable to finish rotating root credentials; it goes on in the background',
    over: 'unable to rotate root credentials',
    isDone: async () => (await passwordAt(engine, config.target)) !== settingText(current.version, 'password')
  })
}

async function passwordAt({ context }: Engine, target: TargetId): Promise<string | undefined> {
  const stored = await readVersion(context.storage, target)
  return stored && settingText(stored.version, 'password')
}

/** The connection in whose name the account is being rotated now. */
async function rotationOf(engine: Engine, name: string, account: ConnectionVersion, storage: MountStorage): Promise<string | undefined> {
  const all = await pendingRoots(storage)
  const { versions } = await sharedAccount(engine, storage, account)
  const under = all.find(one => versions.some(({ target }) => target === one.pending.target))
  if (!under && all.some(one => one.name === name))
    throw refusal(
      'unable to rotate root credentials: the account that the connection had before is still being rotated: try again once it is'
    )
  return under?.name
}

async function refuseLockOut(engine: Engine, name: string, config: ConnectionConfig, version: ConnectionVersion, storage: MountStorage) {
  for (const field of ['username', 'password'] as const)
    if (!config.fields[field]) throw refusal(`unable to rotate root credentials: no ${field} in configuration`)
  const driver = driverNamed(engine.context, config.driver)
  const role = await staticRoleOfAdmin(engine, storage, name, driver, driver.connection(config.fields, { tls: 'any' }))
  if (role !== undefined) throw refusal(`unable to rotate root credentials: static role ${role} rotates this account`)
  const [elsewhere] = await accountElsewhere(engine, version)
  if (elsewhere)
    throw refusal(
      `unable to rotate root credentials: connection "${elsewhere.connection}" of the mount ${elsewhere.mount} logs in with the account too, and would be locked out`
    )
  const { configs } = await sharedAccount(engine, storage, version)
  for (const shared of configs)
    if (!takesPassword(engine, shared.config))
      throw refusal(
        `unable to rotate root credentials: connection "${shared.name}" has the account's password in its connection_url: write {{password}} there, and the password as a field`
      )
}

/** Whether a password that is written as the field is the one that is used. */
function takesPassword(engine: Engine, { driver, fields }: ConnectionConfig): boolean {
  const probe = 'Another-Passw0rd'
  const connection = driverNamed(engine.context, driver).connection({ ...fields, password: probe }, { tls: 'any' })
  return connection.settings.reveal()['password'] === probe
}

const refusal = (message: string) => new BrokerError('invalid_request', message)

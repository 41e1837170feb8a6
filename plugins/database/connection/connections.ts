import { BrokerError, path } from 'mayfly/plugin'
import type { Answer, Connection, DatabaseCheck, DatabaseDriver, Json, JsonObject, MountStorage, Path, PathRequest, z } from 'mayfly/plugin'
import { configKey, connectionFields, readConfig } from './connection-config.ts'
import type { ConnectionConfig, ConnectionFields } from './connection-config.ts'
import { keepVersion, removeVersions, settingText } from './connection-versions.ts'
import { driverAskedFor } from '../engine.ts'
import type { Engine } from '../engine.ts'
import { refuseFormerPassword } from './former-passwords.ts'
import { handOverRoot } from '../root/hand-over-root.ts'
import { listKeys, pageFields } from '../key-list.ts'
import { connectionName } from '../name/names.ts'
import { accountElsewhere, refuseRotatedElsewhere, rowsElsewhere } from '../root/neighbours.ts'
import type { Elsewhere } from '../root/neighbours.ts'
import { refuseMissingPolicy } from '../creds/password.ts'
import { readConnection } from './read-connection.ts'
import { statementList } from '../role/statement-list.ts'
import { atServer, hasStaticRoles, staticRoleOfAdmin } from '../static/static-users.ts'
import { refuseUserNameTemplate } from '../name/user-name-template.ts'
import { usernameBytesMax } from '../name/username-limit.ts'

type Request = PathRequest<ConnectionFields>

/** `config` and `config/:name`. */
export function connectionPaths(engine: Engine): readonly Path[] {
  return [
    path({
      pattern: 'config',
      summary: 'the connections of this mount',
      fields: pageFields,
      list: ({ fields }, storage) => listKeys(storage, 'config/', fields)
    }),
    path({
      pattern: 'config/:name',
      summary: 'how one database server is reached, and by which roles',
      fields: { ...driverFields(engine), ...connectionFields },
      exists: async ({ params }, storage) => (await readConfig(storage, params['name'] ?? '')) !== undefined,
      read: (request, storage) => readConnection(engine, request.params['name'] ?? '', storage),
      write: (request, storage, signal) => writeConnection(engine, request as Request, storage, signal),
      delete: (request, storage) => deleteConnection(engine, request.params['name'] ?? '', storage)
    })
  ]
}

/** One table for all drivers: a field that two of them know is declared alike by both, since the wire gives it one meaning. */
function driverFields({ context }: Engine): z.ZodRawShape {
  return Object.assign({}, ...context.databaseDrivers.map(driver => driver.fields)) as z.ZodRawShape
}

async function writeConnection(engine: Engine, request: Request, storage: MountStorage, signal: AbortSignal): Promise<Answer> {
  const name = connectionName(request.params['name'])
  const stored = await readConfig(storage, name)
  refuseWhatComesLater(request.fields)
  await refuseMissingPolicy(engine.context, 'password_policy', request.fields.password_policy ?? '')
  const { pluginName, driver } = chosenDriver(engine, request.fields, stored?.config)
  const fields = mergedFields(driver, request, stored?.config)
  const connection = describedBy(engine, driver, fields)
  refuseFormerPassword(engine, driver.name, connection, stored?.config)
  await refuseStaticAccount(engine, name, driver, connection, storage)
  const rootRotationStatements = rotationStatements(driver, request, stored?.config)
  const template = request.fields.username_template ?? stored?.config.usernameTemplate ?? ''
  // Nobody has to connect to see that no server could take it.
  readTemplate(engine, driver.usernameBytesMaxOf ? Infinity : driver.usernameBytesMax, template)
  const account = { driver: driver.name, account: connection.account }
  const before = await rowsElsewhere(engine, account)
  const check = request.fields.verify_connection === false ? null : await verified(engine, driver, connection, signal)
  const usernameTemplate = readTemplate(engine, usernameBytesMax(driver, check), template)

  const settings = connection.settings.reveal()
  const target = await keepVersion(engine, storage, name, stored?.config.target, {
    driver: driver.name,
    identity: connection.identity,
    account: connection.account,
    settings
  })
  const config: ConnectionConfig = {
    pluginName,
    driver: driver.name,
    target,
    tls: engine.context.targetTls,
    fields,
    details: connection.details,
    check,
    rootRotationStatements,
    formerPasswords: stored?.config.formerPasswords ?? [],
    ...(stored?.config.rotated && { rotated: stored.config.rotated }),
    allowedRoles: request.fields.allowed_roles ?? stored?.config.allowedRoles ?? [],
    passwordPolicy: request.fields.password_policy ?? stored?.config.passwordPolicy ?? '',
    usernameTemplate,
    disableEscaping: request.fields.disable_escaping ?? stored?.config.disableEscaping ?? null
  }
  storage.put(configKey(name), config as unknown as Json, stored?.version ?? 0)
  const taken = atServer(driver.name, connection.account, settingText({ settings }, 'username'))
  engine.takings.note(taken)
  try {
    // A look at a server takes a while, and what was proven by it may be over.
    await refuseStaticAccount(engine, name, driver, connection, storage)
    await refuseRotatedElsewhere(engine, account, settingText({ settings }, 'password'), before)
  } catch (error) {
    engine.takings.forget(taken)
    throw error
  }
  const elsewhere = await accountElsewhere(engine, account)
  return told([...new Set([...connection.warnings, ...(check?.missing ?? [])]), ...elsewhere.map(sharedWarning)])
}

async function refuseStaticAccount(
  engine: Engine,
  name: string,
  driver: DatabaseDriver,
  connection: Connection,
  storage: MountStorage
): Promise<void> {
  const role = await staticRoleOfAdmin(engine, storage, name, driver, connection)
  if (role !== undefined) throw new BrokerError('invalid_request', `username: static role ${role} rotates this account`)
}

const sharedWarning = ({ mount, connection }: Elsewhere): string =>
  `connection "${connection}" of the mount ${mount} logs in with this account too: neither mount can change its password without locking the other out, give each its own`

function refuseWhatComesLater(fields: ConnectionFields): void {
  if (fields.plugin_version) throw new BrokerError('invalid_request', 'plugin_version: only the built-in version is there, leave it empty')
}

function chosenDriver({ context }: Engine, fields: ConnectionFields, stored: ConnectionConfig | undefined) {
  const pluginName = fields.plugin_name ?? stored?.pluginName
  if (!pluginName) throw new BrokerError('invalid_request', 'empty plugin name')
  const driver = driverAskedFor(context, pluginName)
  if (driver) return { pluginName, driver }
  const known = context.databaseDrivers.flatMap(one => one.pluginNames).join(', ') || 'none'
  throw new BrokerError('invalid_request', `error creating database object: plugin_name: unknown plugin, known are ${known}`)
}

/** An update names what changes; what it leaves out stays, so one without `password` keeps the password. */
function mergedFields(driver: DatabaseDriver, request: Request, stored: ConnectionConfig | undefined): JsonObject {
  const kept = stored?.driver === driver.name ? stored.fields : {}
  const sent = Object.entries(request.fields as Record<string, Json | undefined>).filter(
    ([name, value]) => Object.hasOwn(driver.fields, name) && request.given.has(name) && value !== undefined
  )
  return { ...kept, ...(Object.fromEntries(sent) as JsonObject) }
}

function describedBy({ context }: Engine, driver: DatabaseDriver, fields: JsonObject): Connection {
  try {
    return driver.connection(fields, { tls: context.targetTls })
  } catch (cause) {
    throw refusal('error creating database object: ', cause)
  }
}

/** Every name that it makes has to fit the server, and to be one that nobody else gets. */
function readTemplate({ context }: Engine, bytesMax: number, text: string): string {
  if (text === '') return text
  try {
    refuseUserNameTemplate(text, { now: context.clock.now(), random: context.random, bytesMax })
    return text
  } catch (cause) {
    throw refusal('error creating database object: invalid username template: ', cause)
  }
}

function rotationStatements(driver: DatabaseDriver, request: Request, stored: ConnectionConfig | undefined): readonly string[] {
  const sent = request.fields.root_rotation_statements
  if (!sent) return stored?.rootRotationStatements ?? []
  const statements = statementList('root_rotation_statements', sent)
  driver.statements('root_rotation', statements)
  return statements
}

/** Connects with the settings as written, before anything is stored. */
async function verified({ context }: Engine, driver: DatabaseDriver, connection: Connection, signal: AbortSignal): Promise<DatabaseCheck> {
  const { clock, random, log } = context
  await using database = driver.open(connection.settings, { clock, random, log })
  try {
    return await database.check(signal)
  } catch (cause) {
    throw refusal('error creating database object: error verifying connection: ', cause)
  }
}

/** A failure while configuring is the writer's to mend: 400, whatever failed. What is no BrokerError is a bug and stays one. */
function refusal(prefix: string, cause: unknown): unknown {
  return cause instanceof BrokerError ? new BrokerError('invalid_request', prefix + cause.message, { cause }) : cause
}

const told = (warnings: readonly string[]): Answer => (warnings.length > 0 ? { warnings } : undefined)

async function deleteConnection(engine: Engine, name: string, storage: MountStorage): Promise<Answer> {
  const stored = await readConfig(storage, name)
  if (!stored) return undefined
  if (await hasStaticRoles(storage, name))
    throw new BrokerError('invalid_request', `connection "${name}" has static roles: delete them first`)
  await removeVersions(engine, storage, name)
  await handOverRoot(engine, storage, name)
  storage.remove(configKey(name), stored.version)
  return undefined
}

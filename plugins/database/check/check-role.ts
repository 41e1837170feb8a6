/** `roles/:name/check`: everything that a credential of the role takes, tried at the server before somebody needs one. What fails without a user (the role, its connection, its
 *  statements, the account's rights) is told at once. Then a probe user is made and ended (`probe.ts`), or, with `rehearse`, made in a transaction that is rolled back. */
import { BrokerError, CheckSteps, field, path } from 'mayfly/plugin'
import type { Answer, DatabaseCheck, DatabaseDriver, JsonObject, MountReader, Path, PathRequest, z } from 'mayfly/plugin'
import { checkReport, objectsMax } from './check-report.ts'
import type { RoleCheck } from './check-report.ts'
import type { ConnectionConfig } from '../connection/connection-config.ts'
import type { Handle } from '../creds/credential.ts'
import type { Engine } from '../engine.ts'
import { refuseOpenSessions } from '../creds/guarantees.ts'
import { refuseHost } from '../creds/host.ts'
import { nameFor } from '../name/name-for.ts'
import { newUser } from '../creds/new-user.ts'
import { ownedWarnings, refuseUnknownOwned } from '../role/owned-objects.ts'
import { newPassword, passwordPolicyOf, refuseMissingPolicy } from '../creds/password.ts'
import type { ProbeOrder } from './probe.ts'
import { recipeOf } from '../role/recipe.ts'
import { readRole } from '../role/role.ts'
import type { Role } from '../role/role.ts'
import { readStatements } from '../role/roles.ts'
import { usableConnection } from '../connection/usable-connection.ts'
import { usernameBytesMax } from '../name/username-limit.ts'

// Enough to make it, look and end it. Whatever goes wrong, the server refuses it after this.
const probeSeconds = 60
const rehearsalMsMax = 10_000

const checkFields = { rehearse: field.boolean() }
type Request = PathRequest<z.output<z.ZodObject<typeof checkFields>>>

export function checkRolePath(engine: Engine): Path {
  return path({
    pattern: 'roles/:name/check',
    summary: 'tries the role at its server: makes a probe user, reads its rights, logs in, ends it',
    fields: checkFields,
    write: (request, storage, signal) => checkRole(engine, request, storage, signal)
  })
}

async function checkRole(engine: Engine, request: Request, storage: MountReader, signal: AbortSignal): Promise<Answer> {
  const roleName = request.params['name'] ?? ''
  const stored = await readRole(storage, roleName)
  if (!stored) throw new BrokerError('unknown_role', `unknown role: ${roleName}`)
  const steps = new CheckSteps(engine.context.clock)
  const ready = await prepare(engine, request, storage, stored.role, steps)
  const check: RoleCheck = { role: roleName, dbName: stored.role.dbName, server: ready?.server, concerns: ready?.concerns ?? [] }
  if (!ready) return { data: checkReport(check, steps) }
  if (request.fields.rehearse === true) return { data: await rehearse(engine, request, ready, check, steps, signal) }
  const { config, name, passwordPolicy } = ready
  return {
    issue: {
      credential: 'probe',
      target: config.target,
      role: roleName,
      roleVersion: stored.version,
      recipe: recipeOf(stored.role),
      handle: { v: 1, name } satisfies Handle,
      order: { passwordPolicy, check, steps: steps.all } satisfies ProbeOrder as unknown as JsonObject,
      name,
      visible: { username: name },
      ttl: probeSeconds,
      maxTtl: probeSeconds,
      renewable: false,
      guarantees: ready.server.guarantees
    }
  }
}

interface Ready {
  readonly role: Role
  readonly config: ConnectionConfig
  readonly driver: DatabaseDriver
  readonly server: DatabaseCheck
  readonly name: string
  readonly passwordPolicy: string
  readonly concerns: readonly string[]
}

/** What `creds` refuses, in the same order, each told as a step. */
async function prepare(engine: Engine, request: Request, storage: MountReader, role: Role, steps: CheckSteps): Promise<Ready | undefined> {
  const roleName = request.params['name'] ?? ''
  const usable = await steps.try(
    'connection',
    () => usableConnection(engine, storage, role.dbName, roleName),
    ({ config }) => `"${role.dbName}", ${config.pluginName}`
  )
  if (!usable) return undefined
  const { config, driver } = usable
  const warnings = await steps.try('statements', () => readRoleBy(driver, role), describeStatements(role))
  const server = await steps.try(
    'server',
    () => serverFor(engine, config, role),
    ({ version }) => `version ${version}`
  )
  const passwordPolicy = passwordPolicyOf(config, role)
  const password = await steps.try(
    'password',
    () => refusePolicy(engine, passwordPolicy),
    () => describePolicy(passwordPolicy)
  )
  const name = await steps.try(
    'name',
    () => nameFor(engine, driver, config, request, roleName),
    made => describeName(made, usernameBytesMax(driver, config.check))
  )
  if (!warnings || !server || password === undefined || name === undefined) return undefined
  return { role, config, driver, server, name, passwordPolicy, concerns: [...warnings, ...ownedWarnings(role), ...server.missing] }
}

function readRoleBy(driver: DatabaseDriver, role: Role): readonly string[] {
  refuseUnknownOwned(driver, role)
  refuseHost(driver, role)
  return readStatements(driver, role)
}

async function serverFor(engine: Engine, config: ConnectionConfig, role: Role): Promise<DatabaseCheck> {
  using held = await engine.databases.hold(config.target)
  const server = await held.check.now()
  refuseOpenSessions(server.guarantees, role)
  return server
}

async function refusePolicy(engine: Engine, policy: string): Promise<true> {
  await refuseMissingPolicy(engine.context, 'password_policy', policy)
  return true
}

const describeStatements = (role: Role) => (): string =>
  role.creation.length > 0 ? `${role.creation.length} of the role's own` : `the driver's own, member_of ${(role.memberOf ?? []).join(', ')}`

const describePolicy = (policy: string): string => (policy === '' ? "the broker's own rule" : `policy "${policy}"`)

const describeName = (name: string, bytesMax: number): string => `${name}, ${name.length} of ${bytesMax} bytes`

/** Nothing is committed, so nothing has to be promised. */
async function rehearse(
  engine: Engine,
  request: Request,
  ready: Ready,
  check: RoleCheck,
  steps: CheckSteps,
  signal: AbortSignal
): Promise<JsonObject> {
  const { config, role, name, passwordPolicy } = ready
  const { clock } = engine.context
  using held = await engine.databases.hold(config.target)
  if (!held.database.rehearseUser)
    throw new BrokerError('invalid_request', 'rehearse: this kind of server cannot take a user back that it has made: check without it')
  using deadline = clock.within(rehearsalMsMax, signal)
  const [createBy, until] = [clock.now().add({ milliseconds: rehearsalMsMax }), clock.now().add({ seconds: probeSeconds })]
  const call = {
    lease: request.lease,
    target: config.target,
    recipe: recipeOf(role),
    handle: { v: 1 as const, name },
    order: null,
    createBy,
    until
  }
  const user = newUser(engine, held, call, await newPassword(engine.context, passwordPolicy))
  const rights = await steps.try(
    'rehearse',
    () => held.database.rehearseUser!({ ...user, objectsMax }, deadline.signal),
    () => 'made and rolled back'
  )
  return checkReport({ ...check, ...(rights && { rights }) }, steps)
}

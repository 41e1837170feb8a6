import { BrokerError, path } from 'mayfly/plugin'
import type { Answer, JsonObject, MountStorage, Path, PathRequest } from 'mayfly/plugin'
import type { Account } from '../account/account.ts'
import type { Engine } from '../engine.ts'
import { listKeys as listRows, pageFields } from '../key-list.ts'
import { knownRoot } from '../root/known-root.ts'
import { isBrokersPath } from '../iam-user/mark.ts'
import { isRoleName } from '../role/role.ts'
import { endStatic } from './end-static.ts'
import type { EndIntent } from './end-static.ts'
import { rotateStatic, staying } from './static-rotation.ts'
import { readStaticCredential, readStaticRole, staticCredentialKey, staticRoleFields, staticRoleKey, staticUserKey } from './static-role.ts'
import type { StaticCredential, StaticRole, StaticRoleFields } from './static-role.ts'
import { findUser, holderOf, listKeys } from './user-keys.ts'

const periodSecondsMin = 60

/** `static-roles` and `static-roles/:name`. */
export function staticRolePaths(engine: Engine): readonly Path[] {
  return [
    path({
      pattern: 'static-roles',
      summary: 'the static roles of this mount',
      fields: pageFields,
      list: ({ fields }, storage) => listRows(storage, 'static-roles/', fields)
    }),
    path({
      pattern: 'static-roles/:name',
      summary: 'which existing user changes its access key, and how often',
      fields: staticRoleFields,
      exists: async ({ params }, storage) => (await readStaticRole(storage, params['name'] ?? '')) !== undefined,
      read: async ({ params }, storage) => {
        const name = params['name'] ?? ''
        const stored = await readStaticRole(storage, name)
        return stored && { data: shown(name, stored.role) }
      },
      write: (request, storage, signal) => writeRole(engine, request, storage, signal),
      delete: ({ params }, storage, signal) => deleteRole(engine, params['name'] ?? '', storage, signal)
    })
  ]
}

const shown = (name: string, { userId, username, period }: StaticRole): JsonObject => ({
  name,
  id: userId,
  username,
  rotation_period: period
})

async function writeRole(
  engine: Engine,
  request: PathRequest<StaticRoleFields>,
  storage: MountStorage,
  signal: AbortSignal
): Promise<Answer> {
  const name = request.params['name'] ?? ''
  if (!isRoleName(name)) throw refusal('name: letters, digits, "_", "-", "." and "@" only, at most 128, the last three not at the ends')
  const stored = await readStaticRole(storage, name)
  return stored
    ? await updateRole(engine, name, stored, request.fields, storage)
    : await makeRole(engine, name, request.fields, storage, signal)
}

/** Makes a key at once: nobody here knows the secret of one that is there. */
async function makeRole(
  engine: Engine,
  name: string,
  fields: StaticRoleFields,
  storage: MountStorage,
  signal: AbortSignal
): Promise<Answer> {
  const { username } = fields
  if (!username) throw refusal('missing "username" parameter')
  if (fields.rotation_period === undefined) throw refusal('missing "rotation_period" parameter')
  const period = checkedPeriod(fields.rotation_period)
  const { userId, keys, claim } = await userFor(engine, username, storage, signal)
  const role: StaticRole = { username, userId, period }
  const now = engine.context.clock.now()
  const making = staying(keys, null)
  const credential: StaticCredential = {
    accessKey: null,
    secretKey: null,
    formerKey: null,
    making,
    rotatedAt: null,
    nextAt: now.toString()
  }
  storage.put(staticRoleKey(name), role, 0)
  storage.put(staticCredentialKey(name), credential, 0)
  storage.put(claim, name, 0)
  storage.schedule(rotateStatic, name, now, { name })
  const warnings = keys.length > 1 ? [`the older of the two keys that the user had was ended: ${keys[0]}`] : []
  return {
    after: {
      task: rotateStatic,
      key: name,
      async answer(settled) {
        const data = shown(name, role)
        if (settled?.kind === 'done') return warnings.length > 0 ? { data, warnings } : { data }
        const why = settled?.error ?? 'no answer in time'
        return { data, warnings: [`the role is stored, and its first key is being made in the background: ${why}`] }
      }
    }
  }
}

/** The user must be there, and be neither a lease's, nor the broker itself, nor another role's. */
async function userFor(engine: Engine, username: string, storage: MountStorage, signal: AbortSignal) {
  const root = await knownRoot(engine, storage, signal)
  const { account } = await engine.accounts.ofVersion(root.config.version)
  const found = await userNamed(account, username, signal)
  if (found.arn === root.arn)
    throw invalid(username, 'it is the user of config/root, and the broker would be locked out: use config/rotate-root')
  if (isBrokersPath(found.path)) throw invalid(username, 'it is the user of a lease')
  if (found.holder !== undefined && found.holder !== holderOf(engine.context))
    throw invalid(
      username,
      'it is tagged as the user of a static role of another mount: delete that one, or its tag where the mount is gone'
    )
  const claim = staticUserKey(root.account, username)
  const holder = await storage.get(claim)
  if (typeof holder?.value === 'string') throw invalid(username, `static role "${holder.value}" has it`)
  if (holder) throw invalid(username, 'the keys of its former static role are still being ended: try again in two minutes')
  return { userId: found.userId, keys: await listKeys(account, username, signal), claim }
}

async function userNamed(account: Account, username: string, signal: AbortSignal) {
  if (!/^[\w+=,.@-]{1,64}$/.test(username)) throw invalid(username.slice(0, 64), 'not the name of a user of IAM')
  try {
    const found = await findUser(account, username, signal)
    if (!found) throw invalid(username, 'AWS has no such user, and a static role makes none')
    return found
  } catch (error) {
    if (!(error instanceof BrokerError) || error.code !== 'target_refused') throw error
    throw invalid(username, error.message)
  }
}

async function updateRole(
  engine: Engine,
  name: string,
  { role, version }: { readonly role: StaticRole; readonly version: number },
  fields: StaticRoleFields,
  storage: MountStorage
): Promise<Answer> {
  if (fields.username && fields.username !== role.username)
    throw refusal('username: cannot be changed: delete the static role, and write it anew')
  const period = fields.rotation_period === undefined ? role.period : checkedPeriod(fields.rotation_period)
  const next = { ...role, period }
  storage.put(staticRoleKey(name), next, version)
  const kept = await readStaticCredential(storage, name)
  // A key that is being made winds the clock itself.
  if (period !== role.period && kept && kept.credential.making === null && kept.credential.rotatedAt !== null) {
    const nextAt = Temporal.Instant.from(kept.credential.rotatedAt).add({ seconds: period })
    storage.put(staticCredentialKey(name), { ...kept.credential, nextAt: nextAt.toString() }, kept.version)
    storage.schedule(rotateStatic, name, nextAt, { name })
  }
  return { data: shown(name, next) }
}

function checkedPeriod(seconds: number): number {
  if (seconds < periodSecondsMin) throw refusal(`role rotation period out of range: must be greater than ${periodSecondsMin}.00 seconds`)
  return seconds
}

async function deleteRole(engine: Engine, name: string, storage: MountStorage, signal: AbortSignal): Promise<Answer> {
  const [stored, kept] = [await readStaticRole(storage, name), await readStaticCredential(storage, name)]
  if (!stored) return undefined
  const { username, userId } = stored.role
  const root = await knownRoot(engine, storage, signal)
  const claim = staticUserKey(root.account, username)
  const { accessKey = null, formerKey = null, making = null } = kept?.credential ?? {}
  storage.remove(staticRoleKey(name), stored.version)
  storage.remove(staticCredentialKey(name), kept?.version)
  storage.unschedule(rotateStatic, name)
  const keys = [accessKey, formerKey].filter(key => key !== null)
  storage.put(claim, null)
  storage.schedule(endStatic, claim, engine.context.clock.now(), { username, userId, keys, making, claim } satisfies EndIntent)
  return undefined
}

const refusal = (message: string) => new BrokerError('invalid_request', message)
const invalid = (username: string, why: string) => refusal(`unable to validate username "${username}": ${why}`)

import { BrokerError, Secret, unhandled } from 'mayfly/plugin'
import type {
  CreateUser,
  CredentialType,
  Found,
  Json,
  JsonObject,
  ListedUser,
  RevokeCall,
  RevokedLease,
  RevokedUser,
  RevokeOutcome,
  TargetId
} from 'mayfly/plugin'
import type { Held } from '../connection/databases.ts'
import type { Engine } from '../engine.ts'
import { newMark, readMark } from './mark.ts'
import { newUser } from './new-user.ts'
import { newPassword } from './password.ts'
import { endingOf, toRecipe } from '../role/recipe.ts'
import type { Recipe } from '../role/recipe.ts'

/** What only issuing needs. */
export type Order = { readonly passwordPolicy: string }

/** Which user to end. `server`: what only the server knows, such as an OID; absent while the broker never learnt it. */
export type Handle = { readonly v: 1; readonly name: string; readonly server?: JsonObject }

/** A user of a database server with a password. */
export function userCredential(engine: Engine): CredentialType<Handle> {
  const { context, databases } = engine
  return {
    async issue(call, signal) {
      const { target, handle, order } = call
      using held = await databases.hold(target)
      const password = await newPassword(context, toOrder(order).passwordPolicy)
      const server = await made(held, newUser(engine, held, call, password), signal)
      return { secret: new Secret({ username: handle.name, password: password.reveal() }), handle: { ...handle, server } }
    },

    async renew({ target, recipe, handle, until }, signal) {
      using held = await databases.hold(target)
      const user = { name: handle.name, handle: handle.server ?? {} }
      await held.database.renewUser({ ...user, statements: toRecipe(recipe).renew, until }, signal)
    },

    revoke: (call, signal) => revokeUsers(engine, call, signal),

    async now(target, signal) {
      using held = await databases.hold(target)
      return await held.database.now(signal)
    },

    list: (target, signal) => listedUsers(engine, target, signal)
  }
}

/** What a refused user was promised by may not be so any more: the next is told by a fresh look. */
async function made(held: Held, user: CreateUser, signal: AbortSignal): Promise<JsonObject> {
  try {
    return await held.database.createUser(user, signal)
  } catch (error) {
    if (error instanceof BrokerError && error.code === 'target_refused') held.check.doubt()
    throw error
  }
}

/** One call of the driver for all, and each outcome at its lease's place. A handle that cannot be read fails alone. */
async function revokeUsers(engine: Engine, { target, recipe, leases }: RevokeCall<Handle>, signal: AbortSignal): Promise<RevokeOutcome[]> {
  using held = await engine.databases.hold(target)
  const users = leases.map(lease => toRevokedUser(engine, held.account, lease))
  const readable = users.filter(user => user !== undefined)
  const how = endingOf(toRecipe(recipe))
  const outcomes = readable.length === 0 ? [] : [...(await held.database.revokeUsers({ ...how, users: readable }, signal))]
  if (outcomes.length !== readable.length) throw new Error(`the driver answered ${outcomes.length} outcomes for ${readable.length} users`)
  if (outcomes.some(({ kind }) => kind === 'failed')) held.check.doubt()
  return users.map(user => (user ? outcomes.shift()! : { kind: 'failed', error: new BrokerError('integrity', 'the handle names no user') }))
}

function toRevokedUser(engine: Engine, account: string, { lease, handle, createBy }: RevokedLease<Handle>): RevokedUser | undefined {
  if (!isHandle(handle)) return undefined
  const mark = newMark(engine.context, account, handle.name, lease)
  return { name: handle.name, mark, handle: handle.server ?? {}, ...(createBy && { createBy }) }
}

/** What a user is ended by whose role nobody knows any more. */
const plainRecipe: Recipe = { creation: [], renew: [], revocation: [], memberOf: [] }

async function* listedUsers({ context, databases }: Engine, target: TargetId, signal: AbortSignal): AsyncGenerator<Found> {
  using held = await databases.hold(target)
  for await (const user of held.database.listUsers(signal)) yield found(context, held.account, user)
}

function found(context: Engine['context'], account: string, { name, mark, enabled, handle, until }: ListedUser): Found {
  const made = readMark(context, account, name, mark)
  switch (made.of) {
    case 'us': {
      const ours: Handle = { v: 1, name, ...(handle && { server: handle }) }
      return { name, enabled, marked: 'ours', handle: ours, recipe: plainRecipe, leasePart: made.leasePart, ...(until && { until }) }
    }
    // Renamed, or the mark was copied to it, or it is reached here by another address than the one that it was made at.
    case 'another user':
      return { name, enabled, marked: 'missing', note: 'its mark is not for this user at this server' }
    case 'another broker':
      return { name, enabled, marked: 'foreign' }
    case 'nobody':
      return { name, enabled, marked: 'missing' }
    default:
      return unhandled(made)
  }
}

function isHandle(handle: Json): handle is Handle {
  const fields = handle as Partial<Handle> | null
  return typeof fields === 'object' && fields?.v === 1 && typeof fields.name === 'string' && fields.name !== ''
}

const toOrder = (order: Json) => order as unknown as Order

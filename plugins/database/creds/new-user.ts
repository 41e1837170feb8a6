import type { CreateUser, IssueCall, Secret } from 'mayfly/plugin'
import type { Handle } from './credential.ts'
import type { Held } from '../connection/databases.ts'
import type { Engine } from '../engine.ts'
import { newMark } from './mark.ts'
import { toRecipe } from '../role/recipe.ts'

/** What the driver is told of a user that a lease is for. */
export function newUser({ context }: Engine, { account }: Held, call: IssueCall<Handle>, password: Secret<string>): CreateUser {
  const { lease, recipe, handle, createBy, until } = call
  const { creation, memberOf, connectionLimit, host, owned } = toRecipe(recipe)
  const user = { name: handle.name, password, mark: newMark(context, account, handle.name, lease), createBy, until }
  const more = { ...(connectionLimit !== undefined && { connectionLimit }), ...(host !== undefined && { host }), ...(owned && { owned }) }
  return { ...user, ...more, statements: creation, memberOf }
}

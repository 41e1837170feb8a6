import type { Json, OwnedObjects, RevokeUsers } from 'mayfly/plugin'
import { ownedObjectsOf } from './owned-objects.ts'
import type { Role } from './role.ts'

/** What role and connection said at that moment, frozen with the lease. */
export type Recipe = {
  readonly creation: readonly string[]
  readonly renew: readonly string[]
  readonly revocation: readonly string[]
  readonly memberOf: readonly string[]
  readonly connectionLimit?: number
  /** Absent: from anywhere. */
  readonly host?: string
  /** Absent: no. */
  readonly acceptOpenSessions?: true
  /** Absent: `keep`. */
  readonly owned?: OwnedObjects
}

export function recipeOf(role: Role): Recipe {
  const owned = ownedObjectsOf(role)
  return {
    creation: role.creation,
    renew: role.renew,
    revocation: role.revocation,
    memberOf: role.memberOf ?? [],
    ...(role.connectionLimit !== null && { connectionLimit: role.connectionLimit }),
    ...(role.host !== null && { host: role.host }),
    ...(role.acceptOpenSessions === true && { acceptOpenSessions: true as const }),
    ...(owned.policy !== 'keep' && { owned })
  }
}

/** As a lease kept it. */
export const toRecipe = (recipe: Json) => recipe as unknown as Recipe

/** What the driver is told when its users end. */
export function endingOf({ creation, revocation: statements, acceptOpenSessions, owned }: Recipe): Omit<RevokeUsers, 'users'> {
  return { statements, ownWay: creation.length === 0, ...(acceptOpenSessions && { acceptOpenSessions }), ...(owned && { owned }) }
}

import type { CheckSteps, DatabaseCheck, EffectiveRights, JsonObject } from 'mayfly/plugin'

/** Objects that a report names: a reader's worth. */
export const objectsMax = 200

export interface RoleCheck {
  readonly role: string
  readonly dbName: string
  readonly server: DatabaseCheck | undefined
  /** What works now and would not in production. */
  readonly concerns: readonly string[]
  readonly username?: string
  readonly rights?: EffectiveRights
}

/** What `roles/:name/check` answers. `ok`: every step of a credential's life worked, `concerns` or not. */
export function checkReport({ role, dbName, server, concerns, username, rights }: RoleCheck, steps: CheckSteps): JsonObject {
  return {
    role,
    db_name: dbName,
    ok: steps.ok,
    ...(username !== undefined && { username }),
    steps: steps.all.map(({ step, ok, ms, told }) => ({ step, ok, ms, told })),
    ...(rights && { rights: shownRights(rights) }),
    concerns: [...concerns, ...(rights?.concerns ?? [])],
    ...(server && { guarantees: server.guarantees as unknown as JsonObject })
  }
}

function shownRights({ attributes, memberOf, objects, more }: EffectiveRights): JsonObject {
  return { attributes, member_of: memberOf, objects: objects.map(({ on, may }) => ({ on, may })), more }
}

import type { EffectiveRights, ObjectRights, RightsAsked } from 'mayfly/plugin'
import { text } from '../users/accounts.ts'
import { targetError } from '../server/errors.ts'
import { parseGrant } from './parse-grant.ts'
import type { Grant } from './parse-grant.ts'
import { reach } from '../server/reach.ts'
import { rightsConcerns } from './rights-concerns.ts'
import type { Granted } from './rights-concerns.ts'
import type { Server } from '../server/server.ts'
import type { Session } from '../server/session.ts'

/** Asked as the user itself, on a session of its own: only so a server tells which roles are on when it logs in, and it tells them without a right of the admin account. */
export async function effectiveRights(server: Server, asked: RightsAsked, signal: AbortSignal): Promise<EffectiveRights> {
  const { clock, time } = server
  const password = asked.password.reveal()
  try {
    const settings = { ...server.settings, username: asked.name, password }
    const session = await reach({ settings, clock, time, seen: {} }, signal)
    try {
      return toRights(await readGranted(session, signal), asked.objectsMax)
    } finally {
      await session.close()
    }
  } catch (error) {
    throw targetError(error, 'target_unreachable', [server.settings.password, password])
  }
}

async function readGranted(session: Session, signal: AbortSignal): Promise<Granted> {
  const [row] = (await session.run('select current_role() as roles', signal))[0] ?? []
  const roles = text(row?.['roles'])
  const on = roles === '' || roles === 'NONE' ? '' : roles
  // Of whoever asks for its own, MySQL tells those of the roles that are on as well.
  if (on !== '' && session.kind.name === 'MySQL') await session.run('set role none', signal)
  const direct = await grantsOf(session, 'show grants for current_user()', signal)
  if (on === '') return { direct, byRoles: [], rolesOn: [] }
  if (session.kind.name === 'MySQL') {
    // Direct ones are in it as well.
    const all = await grantsOf(session, `show grants for current_user() using ${on}`, signal)
    const known = new Set(direct.map(grant => JSON.stringify(grant)))
    return { direct, byRoles: all.filter(grant => !known.has(JSON.stringify(grant))), rolesOn: namesOf(on) }
  }
  return { direct, byRoles: await grantsOf(session, 'show grants for current_role', signal), rolesOn: [on] }
}

async function grantsOf(session: Session, sql: string, signal: AbortSignal): Promise<readonly Grant[]> {
  const [rows = []] = await session.run(sql, signal)
  return rows.flatMap(row => parseGrant(text(Object.values(row)[0])) ?? [])
}

/** As `current_role()` of MySQL tells them: `` `app_ro`@`%`,`app_rw`@`%` ``. */
function namesOf(roles: string): readonly string[] {
  const grant = parseGrant(`GRANT ${roles} TO x`)
  return grant?.kind === 'roles' ? grant.roles : []
}

function toRights(granted: Granted, objectsMax: number): EffectiveRights {
  const byObject = Map.groupBy(
    [...granted.direct, ...granted.byRoles].flatMap(grant => (grant.kind === 'rights' ? [grant] : [])),
    ({ on }) => on
  )
  const objects = [...byObject].map(([on, grants]): ObjectRights => {
    const may = [...new Set(grants.flatMap(grant => grant.may))].filter(right => right !== 'USAGE')
    return { on: plain(on), may: may.map(plain) }
  })
  const some = objects.filter(({ may }) => may.length > 0).toSorted((a, b) => (a.on < b.on ? -1 : 1))
  return {
    attributes: [],
    memberOf: granted.rolesOn.map(plain),
    objects: some.slice(0, objectsMax),
    more: Math.max(0, some.length - objectsMax),
    concerns: rightsConcerns(granted).map(plain)
  }
}

/** Names read from a server may hold anything. */
const plain = (name: string): string => name.replaceAll(/[^\x20-\x7e\xa0-\uffff]/g, '?')

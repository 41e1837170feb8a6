import { path } from 'mayfly/plugin'
import type { Answer, MountReader, MountStorage, Path } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { pathOf } from '../iam-user/mark.ts'
import { knownRoot } from '../root/known-root.ts'
import type { KnownRoot } from '../root/known-root.ts'
import { readRole } from '../role/role.ts'
import type { Role } from '../role/role.ts'
import { readStaticRole } from '../static/static-role.ts'
import { cuts, ownRights, policyOf, rightsOfRole, rightsOfStatic } from './needed-rights.ts'
import type { Where } from './needed-rights.ts'

// A policy for more roles would be longer than any that AWS takes.
const rolesMax = 1_000

/** `policy`: what the broker itself has to be allowed for the roles as they are now. */
export function policyPath(engine: Engine): Path {
  return path({
    pattern: 'policy',
    summary: 'the least that the broker has to be allowed in the account, for the roles as they are now',
    read: (_, storage, signal) => readPolicy(engine, storage, signal)
  })
}

async function readPolicy(engine: Engine, storage: MountStorage, signal: AbortSignal): Promise<Answer> {
  const root = await knownRoot(engine, storage, signal)
  const where = whereOf(engine, root)
  const roles = await rolesOf(storage)
  const statics: string[] = []
  for (const name of await storage.list('static-roles/', { limit: rolesMax })) {
    const stored = await readStaticRole(storage, name)
    if (stored) statics.push(stored.role.username)
  }
  const policy = policyOf([...ownRights(where), ...roles.flatMap(role => rightsOfRole(role, where)), ...rightsOfStatic(statics, where)])
  return { data: { policy, concerns: concernsOf(roles, root) } }
}

export function whereOf({ context }: Engine, root: KnownRoot): Where {
  return { partition: root.version.place.partition, account: root.account, userPath: pathOf(context, '').slice(1), rootArn: root.arn }
}

async function rolesOf(storage: MountReader): Promise<readonly Role[]> {
  const roles: Role[] = []
  for (const name of await storage.list('roles/', { limit: rolesMax })) {
    const stored = await readRole(storage, name)
    if (stored) roles.push(stored.role)
  }
  return roles
}

function concernsOf(roles: readonly Role[], { arn }: KnownRoot): readonly string[] {
  const has = (is: (role: Role) => boolean, concern: string) => (roles.some(is) ? [concern] : [])
  return [
    ...(arn.endsWith(':root')
      ? ['config/root holds keys of the root user of the account, whom no policy limits: give the broker a user of its own']
      : []),
    ...has(
      ({ type }) => type === 'federation_token',
      'federation_token gives no more than the broker has: its user needs every right that such a role hands out'
    ),
    ...has(({ type }) => type === 'session_token', 'session_token gives all that the broker has'),
    ...has(
      ({ type, permissionsBoundaryArn }) => type === 'iam_user' && permissionsBoundaryArn === '',
      'iam_user without permissions_boundary_arn: whoever has the key of the broker can make users that may do everything'
    ),
    ...has(role => cuts(role), 'cut_on_revoke: with iam:PutRolePolicy the broker can give these roles any right')
  ]
}

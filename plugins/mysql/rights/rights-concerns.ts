import type { Grant } from './parse-grant.ts'

export interface Granted {
  /** Granted to the user itself. */
  readonly direct: readonly Grant[]
  /** Of the roles that are on when it logs in. */
  readonly byRoles: readonly Grant[]
  readonly rolesOn: readonly string[]
}

/** What is made by it runs with the rights of its maker, and keeps the maker from being dropped or outlives it. */
const definers = ['CREATE ROUTINE', 'ALTER ROUTINE', 'CREATE VIEW', 'EVENT', 'TRIGGER']

/** What would be wrong in production. */
export function rightsConcerns({ direct, byRoles, rolesOn }: Granted): readonly string[] {
  const all = [...direct, ...byRoles].filter(grant => grant.kind === 'rights').map(grant => ({ ...grant, may: real(grant.may) }))
  const rights = all.filter(({ may }) => may.length > 0)
  const granted = direct.flatMap(grant => (grant.kind === 'roles' ? grant.roles : []))
  const off = granted.filter(role => !rolesOn.includes(role))
  return [
    ...rights.filter(({ on }) => on === 'everything').map(({ may }) => `${shown(may)} on everything: more power than a lease should give`),
    ...(rights.some(({ grantable }) => grantable) ? ['GRANT OPTION: it may hand its rights to others, who keep them when it ends'] : []),
    ...(direct.some(grant => grant.kind === 'roles' && grant.admin)
      ? ['ADMIN OPTION: it may hand a role to others, who keep it when it ends']
      : []),
    ...definers
      .filter(right => rights.some(({ may }) => may.includes(right) || may.includes('ALL PRIVILEGES')))
      .slice(0, 1)
      .map(() => 'it may make views, routines, triggers or events, which stay when it ends and run as it, or fail, from then on'),
    ...directGrants(direct),
    ...(off.length > 0 ? [`granted and not on when it logs in: ${off.join(', ')} (set default role)`] : []),
    ...(rights.length === 0 ? ['no right on anything'] : [])
  ]
}

/** One statement for each credential, where a role takes none. */
function directGrants(direct: readonly Grant[]): readonly string[] {
  const count = direct.filter(grant => grant.kind === 'rights' && real(grant.may).length > 0).length
  if (count === 0) return []
  return [
    `rights on ${count === 1 ? 'one object' : `${count} objects`} are granted to the user itself: each is a statement for every credential, which halves the rate of issuing; grant them to a role, and the role to the user`
  ]
}

/** `USAGE` is none. */
const real = (may: readonly string[]): readonly string[] => may.filter(right => right !== 'USAGE')

const shownMax = 5
const shown = (may: readonly string[]): string => may.slice(0, shownMax).join(', ') + (may.length > shownMax ? ' and more' : '')

import { BrokerError } from 'mayfly/plugin'
import type { AskingCall } from 'mayfly/plugin'
import type { Access, UsableRole } from './access.ts'

export interface Choice {
  readonly mount: string
  readonly role: string
  readonly principals: readonly string[]
}

const shownMax = 20

/** The role that was named; else the only one that signs for this account. One that names it comes before one that signs for anybody. On the way to a host the role that signs there does, where it signs here as well. */
export function chooseRole(
  call: AskingCall,
  all: readonly Access[],
  where: { readonly user: string; readonly host: string },
  there?: Choice
): Choice {
  const named = there ? call.option('jumpRole') : (call.option('role') ?? call.env['MAYFLY_SSH_ROLE'])
  if (all.length === 0) throw refusal('no SSH backend is mounted that you can reach: --mount names one')
  if (named) return namedRole(all, named)
  const fitting = all.flatMap(access => access.roles.map(role => fit(role, access.principals)).filter(choice => choice !== undefined))
  const narrow = fitting.filter(({ open }) => !open)
  const candidates = narrow.length > 0 ? narrow : fitting
  const usual = candidates.find(({ mount, role }) => there?.mount === mount && there.role === role)
  if (usual) return usual
  if (candidates.length === 1) return candidates[0]!
  throw candidates.length === 0
    ? nobodySigns(all, where)
    : refusal(
        there
          ? `several roles sign for ${where.user} at ${where.host}: ${list(candidates)}; choose one with --jump-role`
          : `several roles sign for ${where.user}: ${list(candidates)}; choose one with --role, or for always with MAYFLY_SSH_ROLE`
      )
}

function namedRole(all: readonly Access[], name: string): Choice {
  const mine = all.filter(({ roles }) => roles.some(({ role }) => role === name))
  if (mine.length > 1) throw refusal(`there is a role ${name} at ${mine.map(({ mount }) => mount).join(' and ')}: choose one with --mount`)
  // What is not listed may exist: the broker says why it refuses.
  const access = mine[0] ?? all[0]!
  const role = access.roles.find(one => one.role === name) ?? { mount: access.mount, role: name }
  return fit(role, access.principals) ?? { mount: access.mount, role: name, principals: access.principals }
}

/** What to ask of this role: as much as the account takes and the role gives. */
function fit({ mount, role, principals: given }: UsableRole, taken: readonly string[]): (Choice & { readonly open: boolean }) | undefined {
  if (!given) return { mount, role, principals: taken, open: false }
  const open = given.includes('*')
  const principals = open ? taken : taken.filter(principal => given.includes(principal))
  return principals.length > 0 ? { mount, role, principals, open } : undefined
}

function nobodySigns(all: readonly Access[], { user, host }: { readonly user: string; readonly host: string }): BrokerError {
  const roles = all.flatMap(access => access.roles)
  if (roles.length === 0)
    return refusal(
      all.every(({ told }) => told)
        ? `no role of ${all.map(({ mount }) => `${mount}/`).join(', ')} signs for you: a policy has to allow update on ${all[0]!.mount}/sign/<role>`
        : `the broker does not say which roles you may use: --role names one (a policy may allow read on ${all[0]!.mount}/access)`
    )
  const may = roles.map(({ role, principals = [] }) => `${role} (${principals.slice(0, shownMax).join(', ')})`)
  return refusal(`no role signs for ${user} at ${host}; for you there are: ${may.slice(0, shownMax).join('; ')}`)
}

const list = (choices: readonly Choice[]): string =>
  choices
    .slice(0, shownMax)
    .map(({ mount, role }) => `${role} of ${mount}/`)
    .join(', ')

function refusal(message: string): BrokerError {
  return new BrokerError('invalid_request', message)
}

import { BrokerError } from 'mayfly/plugin'
import type { MountReader, PathRequest } from 'mayfly/plugin'
import type { CertificateKind } from '../format/certificate.ts'
import { requirePrincipals } from '../format/principals.ts'
import { namesIn } from '../roles/role.ts'
import type { CaRole } from '../roles/role.ts'
import { rootByNameOnly } from './root-switch.ts'
import { filledTemplate } from './template.ts'

/** For whom the certificate will be, sorted and each once: what was asked for, or the role's default, as far as the role allows it. Throws in the wire's words. */
export async function allowedPrincipals(
  kind: CertificateKind,
  role: CaRole,
  asked: string,
  caller: PathRequest['caller'],
  storage: MountReader
): Promise<readonly string[]> {
  const wanted = asked === '' && kind === 'user' ? defaultPrincipals(role, caller) : namesIn(asked)
  const principals = [...new Set(wanted)].toSorted()
  if (principals.length === 0)
    throw refusal('refusing to issue unsafe, globally-valid certificate with no principals specified; set valid_principals or default_user')
  // Before a word of them is repeated.
  requirePrincipals(kind, principals)
  await (kind === 'user' ? requireUsers(role, principals, caller, storage) : requireHosts(role, principals, caller))
  return principals
}

/** What a role lets this caller ask for, `*` for anybody, and what it gives unasked, as far as nothing of it names what this caller has not. */
export function userPrincipals(role: CaRole, caller: PathRequest['caller']) {
  const usual = allowedNames(role.defaultUser, role.defaultUserTemplate, caller)
  return { allowed: allowedNames(role.allowedUsers, role.allowedUsersTemplate, caller).names, usual: usual.missing ? [] : usual.names }
}

/** All or none: with one of them left out it would be another certificate. */
function defaultPrincipals(role: CaRole, caller: PathRequest['caller']): readonly string[] {
  const { names, missing } = allowedNames(role.defaultUser, role.defaultUserTemplate, caller)
  if (missing) throw missing
  return names
}

interface Names {
  readonly names: readonly string[]
  /** Why one is not among them. */
  readonly missing?: BrokerError
}

/** Split first: a value that is filled in can never become two. */
function allowedNames(list: string, isTemplate: boolean, caller: PathRequest['caller']): Names {
  if (!isTemplate) return { names: namesIn(list) }
  const filled = namesIn(list).map(name => filledOrWhy(name, caller))
  const missing = filled.find(one => one instanceof BrokerError)
  return { names: filled.filter(one => typeof one === 'string'), ...(missing ? { missing } : {}) }
}

function filledOrWhy(name: string, caller: PathRequest['caller']): string | BrokerError {
  try {
    return filledTemplate(name, caller)
  } catch (error) {
    if (error instanceof BrokerError) return error
    throw error
  }
}

async function requireUsers(
  role: CaRole,
  principals: readonly string[],
  caller: PathRequest['caller'],
  storage: MountReader
): Promise<void> {
  if (namesIn(role.allowedUsers).length === 0) throw refusal('role is not configured to allow any principals')
  if (role.allowedUsers.trim() === '*') {
    if (principals.includes('root') && (await rootByNameOnly(storage)))
      throw refusal('root is not a valid value for valid_principals: on this mount a role must name it')
    return
  }
  const { names, missing } = allowedNames(role.allowedUsers, role.allowedUsersTemplate, caller)
  const allowed = new Set(names)
  // Exact, byte by byte: sshd compares so.
  refuseOther(principals, name => allowed.has(name), missing)
}

function requireHosts(role: CaRole, principals: readonly string[], caller: PathRequest['caller']): void {
  if (namesIn(role.allowedDomains).length === 0) throw refusal('role is not configured to allow any principals')
  if (role.allowedDomains.trim() === '*') return
  const { names, missing } = allowedNames(role.allowedDomains, role.allowedDomainsTemplate, caller)
  const isAllowed = (name: string): boolean =>
    names.some(domain => (role.allowBareDomains && name === domain) || (role.allowSubdomains && name.endsWith(`.${domain}`)))
  refuseOther(principals, isAllowed, missing)
}

/** `missing`: it might have been the name that could not be filled in. */
function refuseOther(principals: readonly string[], isAllowed: (name: string) => boolean, missing: BrokerError | undefined): void {
  const other = principals.find(name => !isAllowed(name))
  if (other !== undefined) throw missing ?? refusal(`${other} is not a valid value for valid_principals`)
}

function refusal(message: string): BrokerError {
  return new BrokerError('invalid_request', message)
}

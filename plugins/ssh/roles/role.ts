import { BrokerError } from 'mayfly/plugin'
import type { MountReader } from 'mayfly/plugin'

export type Role = CaRole | OtpRole

/** Whom it signs for, and what. Texts are as written: a tool that reads a role back finds what it wrote. */
export type CaRole = {
  readonly type: 'ca'
  readonly allowUserCertificates: boolean
  readonly allowHostCertificates: boolean
  readonly defaultUser: string
  readonly defaultUserTemplate: boolean
  readonly allowedUsers: string
  readonly allowedUsersTemplate: boolean
  readonly allowedDomains: string
  readonly allowedDomainsTemplate: boolean
  readonly allowBareDomains: boolean
  readonly allowSubdomains: boolean
  readonly allowUserKeyIds: boolean
  readonly keyIdFormat: string
  readonly allowedCriticalOptions: string
  readonly allowedExtensions: string
  readonly defaultCriticalOptions: Readonly<Record<string, string>>
  readonly defaultExtensions: Readonly<Record<string, string>>
  readonly defaultExtensionsTemplate: boolean
  readonly allowedUserKeyLengths: Readonly<Record<string, readonly number[]>>
  readonly algorithmSigner: string
  readonly ttl: number
  readonly maxTtl: number
  readonly notBefore: number
  readonly allowEmptyPrincipals: boolean
  readonly allowCommasInTemplates: boolean
  readonly issuerRef: string
  /** `null`: not written, so a read leaves it out. */
  readonly requireFido: boolean | null
  readonly leaseOutlivesToken: boolean | null
}

/** Which addresses a one-time password may be for. */
export type OtpRole = {
  readonly type: 'otp'
  readonly defaultUser: string
  readonly allowedUsers: string
  readonly cidrList: string
  readonly excludeCidrList: string
  readonly port: number
}

// As the wire's: also a key of the store.
const namePattern = /^\w(?:[\w.@-]{0,254}\w)?$/

export const roleKey = (name: string): string => `roles/${name}`

export async function readRole(storage: MountReader, name: string): Promise<{ readonly role: Role; readonly version: number } | undefined> {
  const stored = namePattern.test(name) ? await storage.get(roleKey(name)) : undefined
  return stored && { role: stored.value as unknown as Role, version: stored.version }
}

/** A name that is about to be written. */
export function newRoleName(name: string | undefined): string {
  if (!name) throw new BrokerError('invalid_request', 'missing role name')
  if (!namePattern.test(name))
    throw new BrokerError(
      'invalid_request',
      'name: letters, digits, "_", "-", "." and "@" only, at most 256, the last three not at the ends'
    )
  return name
}

/** The names of a comma list, trimmed, blanks out. */
export function namesIn(list: string): readonly string[] {
  return list
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '')
}

import { BrokerError } from 'mayfly/plugin'
import { cidrListMistake } from '../otp/cidr-list.ts'
import { keyIdMistake } from '../sign/key-id.ts'
import { requireTemplates } from './require-templates.ts'
import type { RoleFields } from './role-fields.ts'
import { namesIn } from './role.ts'
import type { CaRole, OtpRole, Role } from './role.ts'

const lengthTypes: ReadonlySet<string> = new Set([
  'rsa',
  'ssh-rsa',
  'dsa',
  'ssh-dss',
  'ec',
  'ecdsa',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ed25519',
  'ssh-ed25519',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com'
])
const signers: ReadonlySet<string> = new Set(['default', 'ssh-rsa', 'rsa-sha2-256', 'rsa-sha2-512'])
// Beyond it a certificate would be good at times of which nobody has an audit record.
const notBeforeSecondsMax = 300
const notBeforeSecondsUsual = 30

/** The whole role, from what was sent alone: a write replaces. Throws in the wire's words. */
export function writtenRole(fields: RoleFields): Role {
  const type = (fields.key_type ?? '').toLowerCase()
  if (type === '') throw refusal('missing key type')
  if (type === 'otp') return otpRole(fields)
  if (type === 'ca') return caRole(fields)
  throw refusal(type === 'dynamic' ? 'dynamic key type roles are no longer supported' : 'invalid key type')
}

function otpRole(fields: RoleFields): OtpRole {
  const {
    default_user: defaultUser = '',
    allowed_users: allowedUsers = '',
    cidr_list: cidrList = '',
    exclude_cidr_list: excluded = ''
  } = fields
  if (defaultUser === '') throw refusal('missing default user')
  for (const [field, list] of [
    ['cidr_list', cidrList],
    ['exclude_cidr_list entry', excluded]
  ] as const) {
    const mistake = cidrListMistake(list)
    if (mistake) throw refusal(`failed to validate ${field}: ${mistake}`)
  }
  // Some clients send 0 for what they were not told.
  const port = fields.port || 22
  if (port < 1 || port > 65_535) throw refusal('port: expected a number from 1 to 65535')
  return { type: 'otp', defaultUser, allowedUsers, cidrList, excludeCidrList: excluded, port }
}

function caRole(fields: RoleFields): CaRole {
  const allowUserCertificates = fields.allow_user_certificates ?? false
  const allowHostCertificates = fields.allow_host_certificates ?? false
  if (!allowUserCertificates && !allowHostCertificates)
    throw refusal("Either 'allow_user_certificates' or 'allow_host_certificates' must be set to 'true'")
  const role: CaRole = {
    type: 'ca',
    allowUserCertificates,
    allowHostCertificates,
    ...principalsPart(fields),
    ...keysPart(fields),
    ...optionsPart(fields),
    ...timesPart(fields),
    algorithmSigner: signer(fields.algorithm_signer ?? ''),
    allowEmptyPrincipals: fields.allow_empty_principals ?? false,
    allowCommasInTemplates: fields.allow_commas_in_identity_templates ?? false,
    issuerRef: fields.issuer_ref || 'default',
    leaseOutlivesToken: fields.lease_outlives_token ?? null
  }
  requireTemplates(role)
  return role
}

function principalsPart(fields: RoleFields) {
  return {
    defaultUser: fields.default_user ?? '',
    defaultUserTemplate: fields.default_user_template ?? false,
    allowedUsers: fields.allowed_users ?? '',
    allowedUsersTemplate: fields.allowed_users_template ?? false,
    allowedDomains: fields.allowed_domains ?? '',
    allowedDomainsTemplate: fields.allowed_domains_template ?? false,
    allowBareDomains: fields.allow_bare_domains ?? false,
    allowSubdomains: fields.allow_subdomains ?? false
  }
}

function keysPart(fields: RoleFields) {
  const lengths = fields.allowed_user_key_lengths ?? {}
  for (const [type, allowed] of Object.entries(lengths)) {
    if (!lengthTypes.has(type)) throw refusal(`error processing allowed_user_key_lengths: unknown key type "${shown(type)}"`)
    if (allowed.length === 0 || allowed.some(length => length < 0))
      throw refusal(`error processing allowed_user_key_lengths: ${type}: expected lengths of 0 or more`)
  }
  const keyIdFormat = fields.key_id_format ?? ''
  const mistake = keyIdMistake(keyIdFormat)
  if (mistake) throw refusal(`key_id_format: ${mistake}`)
  return {
    allowUserKeyIds: fields.allow_user_key_ids ?? false,
    keyIdFormat,
    allowedUserKeyLengths: lengths,
    requireFido: fields.require_fido ?? null
  }
}

function optionsPart(fields: RoleFields) {
  return {
    allowedCriticalOptions: fields.allowed_critical_options ?? '',
    allowedExtensions: fields.allowed_extensions ?? '',
    defaultCriticalOptions: fields.default_critical_options ?? {},
    defaultExtensions: fields.default_extensions ?? {},
    defaultExtensionsTemplate: fields.default_extensions_template ?? false
  }
}

function timesPart(fields: RoleFields) {
  const { ttl = 0, max_ttl: maxTtl = 0, not_before_duration: notBefore = notBeforeSecondsUsual } = fields
  if (maxTtl > 0 && ttl > maxTtl) throw refusal('"ttl" value must be less than "max_ttl" when both are specified')
  if (notBefore > notBeforeSecondsMax) throw refusal(`not_before_duration: at most ${notBeforeSecondsMax} seconds`)
  return { ttl, maxTtl, notBefore }
}

function signer(text: string): string {
  if (text === '') return 'default'
  if (!signers.has(text)) throw refusal(`unknown algorithm signer "${shown(text)}"`)
  return text
}

/** What is written and will not be done: a tool that compares what it wrote with what it reads must not be refused. */
export function roleWarnings(role: Role): readonly string[] {
  if (role.type === 'otp') return []
  return [
    ...(role.algorithmSigner === 'ssh-rsa' ? ['algorithm_signer: SHA-1 is never used: an RSA key signs with rsa-sha2-512'] : []),
    ...(role.allowEmptyPrincipals
      ? ['allow_empty_principals: a certificate without principals is good for every user and is never signed']
      : []),
    ...(role.allowCommasInTemplates
      ? ['allow_commas_in_identity_templates: a name with a comma would be several principals and is never filled in']
      : []),
    ...(role.allowUserCertificates && namesIn(role.allowedUsers).length === 0
      ? ['allowed_users is empty: this role signs for no user']
      : [])
  ]
}

const shown = (text: string): string => text.slice(0, 64)

function refusal(message: string): BrokerError {
  return new BrokerError('invalid_request', message)
}

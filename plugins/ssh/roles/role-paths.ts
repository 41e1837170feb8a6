import { field, path } from 'mayfly/plugin'
import type { Answer, JsonObject, MountStorage, Path, PathRequest } from 'mayfly/plugin'
import { forgetZeroAddressRole } from '../otp/zero-address-path.ts'
import { newRoleName, readRole, roleKey } from './role.ts'
import type { CaRole, OtpRole, Role } from './role.ts'
import { roleFields } from './role-fields.ts'
import type { RoleFields } from './role-fields.ts'
import { roleWarnings, writtenRole } from './written-role.ts'

// What a list shows of each role costs a read: a caller that names no limit gets so many.
const listedMax = 1_000

/** `roles` and `roles/:role`. */
export const rolePaths: readonly Path[] = [
  path({
    pattern: 'roles',
    summary: 'the roles of this mount',
    fields: { after: field.text(), limit: field.integer() },
    list: async ({ fields: { after = '', limit = -1 } }, storage) => {
      const page = { after, limit: limit < 1 ? listedMax : Math.min(limit, listedMax) }
      const names = await storage.list('roles/', page)
      const roles = await Promise.all(names.map(name => readRole(storage, name)))
      return { keys: names, keyInfo: Object.fromEntries(roles.map((found, i) => [names[i]!, found ? listedRole(found.role) : {}])) }
    }
  }),
  path({
    pattern: 'roles/:role',
    summary: 'for whom certificates or one-time passwords are made, and how long they live',
    fields: roleFields,
    read: async ({ params }, storage) => {
      const found = await readRole(storage, params['role'] ?? '')
      return found && { data: found.role.type === 'ca' ? shownCaRole(found.role) : shownOtpRole(found.role) }
    },
    write: (request, storage) => writeRole(request, storage),
    delete: async ({ params }, storage) => {
      const name = params['role'] ?? ''
      const found = await readRole(storage, name)
      if (!found) return undefined
      storage.remove(roleKey(name), found.version)
      await forgetZeroAddressRole(storage, name)
      return undefined
    }
  })
]

async function writeRole({ params, fields }: PathRequest<RoleFields>, storage: MountStorage): Promise<Answer> {
  const name = newRoleName(params['role'])
  const role = writtenRole(fields)
  const stored = await readRole(storage, name)
  storage.put(roleKey(name), role, stored?.version ?? 0)
  const warnings = roleWarnings(role)
  return warnings.length > 0 ? { warnings } : undefined
}

function listedRole(role: Role): JsonObject {
  return role.type === 'ca' ? { key_type: 'ca', issuer_ref: role.issuerRef } : { key_type: 'otp' }
}

/** Every field of the wire, always. */
function shownCaRole(role: CaRole): JsonObject {
  return {
    key_type: 'ca',
    allow_user_certificates: role.allowUserCertificates,
    allow_host_certificates: role.allowHostCertificates,
    default_user: role.defaultUser,
    default_user_template: role.defaultUserTemplate,
    allowed_users: role.allowedUsers,
    allowed_users_template: role.allowedUsersTemplate,
    allowed_domains: role.allowedDomains,
    allowed_domains_template: role.allowedDomainsTemplate,
    allow_bare_domains: role.allowBareDomains,
    allow_subdomains: role.allowSubdomains,
    allow_user_key_ids: role.allowUserKeyIds,
    key_id_format: role.keyIdFormat,
    allowed_critical_options: role.allowedCriticalOptions,
    allowed_extensions: role.allowedExtensions,
    default_critical_options: role.defaultCriticalOptions,
    default_extensions: role.defaultExtensions,
    default_extensions_template: role.defaultExtensionsTemplate,
    allowed_user_key_lengths: role.allowedUserKeyLengths,
    algorithm_signer: role.algorithmSigner,
    ttl: role.ttl,
    max_ttl: role.maxTtl,
    not_before_duration: role.notBefore,
    allow_empty_principals: role.allowEmptyPrincipals,
    allow_commas_in_identity_templates: role.allowCommasInTemplates,
    issuer_ref: role.issuerRef,
    ...(role.requireFido !== null && { require_fido: role.requireFido }),
    ...(role.leaseOutlivesToken !== null && { lease_outlives_token: role.leaseOutlivesToken })
  }
}

/** Exactly these: clients compare. */
function shownOtpRole(role: OtpRole): JsonObject {
  return {
    allowed_users: role.allowedUsers,
    cidr_list: role.cidrList,
    default_user: role.defaultUser,
    exclude_cidr_list: role.excludeCidrList,
    key_type: 'otp',
    port: role.port
  }
}

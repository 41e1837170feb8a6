import { BrokerError, path } from 'mayfly/plugin'
import type { Answer, JsonObject, MountStorage, Path, PathRequest } from 'mayfly/plugin'
import { isIamArn } from '../account/arn.ts'
import type { CredentialKind } from './credential-kind.ts'
import { legacyFields } from './legacy-role.ts'
import { listKeys, pageFields } from '../key-list.ts'
import { compactPolicy } from './policy-document.ts'
import { isRoleName, readRole, roleFields, roleKey } from './role.ts'
import type { Role, RoleFields } from './role.ts'
import { cutOff } from '../sts/cut-off.ts'

/** `roles` and `roles/:name`. */
export function rolePaths(kinds: readonly CredentialKind[]): readonly Path[] {
  return [
    path({
      pattern: 'roles',
      summary: 'the roles of this mount',
      fields: pageFields,
      list: ({ fields }, storage) => listKeys(storage, 'roles/', fields)
    }),
    path({
      pattern: 'roles/:name',
      summary: 'which keys are issued, and what they may do',
      fields: roleFields,
      exists: async ({ params }, storage) => (await readRole(storage, params['name'] ?? '')) !== undefined,
      read: async ({ params }, storage) => {
        const stored = await readRole(storage, params['name'] ?? '')
        return stored && { data: shown(stored.role) }
      },
      write: (request, storage) => writeRole(kinds, request, storage),
      delete: async ({ params }, storage) => {
        const name = params['name'] ?? ''
        const stored = await readRole(storage, name)
        // Live leases keep what they were made with.
        if (stored) storage.remove(roleKey(name), stored.version)
        return undefined
      }
    })
  ]
}

/** All fields of the wire, lists and maps that were never written as null; our own when written. */
function shown(role: Role): JsonObject {
  return {
    credential_type: role.type,
    policy_arns: role.policyArns,
    policy_document: role.policyDocument,
    role_arns: role.roleArns,
    iam_groups: role.iamGroups,
    iam_tags: role.iamTags,
    session_tags: role.sessionTags,
    external_id: role.externalId,
    mfa_serial_number: role.mfaSerialNumber,
    default_sts_ttl: role.defaultStsTtl,
    max_sts_ttl: role.maxStsTtl,
    user_path: role.userPath,
    permissions_boundary_arn: role.permissionsBoundaryArn,
    ...(role.guard !== null && { guard: role.guard }),
    ...(role.sourceIdentity !== null && { source_identity: role.sourceIdentity }),
    ...(role.cutOnRevoke !== null && { cut_on_revoke: role.cutOnRevoke }),
    ...(role.waitUntilUsable !== null && { wait_until_usable: role.waitUntilUsable }),
    ...(role.leaseOutlivesToken !== null && { lease_outlives_token: role.leaseOutlivesToken })
  }
}

async function writeRole(kinds: readonly CredentialKind[], request: PathRequest<RoleFields>, storage: MountStorage): Promise<Answer> {
  const name = request.params['name'] ?? ''
  if (!isRoleName(name))
    throw new BrokerError(
      'invalid_request',
      'name: letters, digits, "_", "-", "." and "@" only, at most 128, the last three not at the ends'
    )
  const stored = await readRole(storage, name)
  const { fields, warnings } = legacyFields(request.fields)
  const role = merged(fields, stored?.role)
  const kind = kinds.find(({ type }) => type === role.type)
  const mistakes = [...typeMistakes(role, kind), ...(kind ? [...commonMistakes(role), ...kind.mistakes(role)] : [])]
  if (mistakes.length > 0) throw new BrokerError('invalid_request', `error(s) validating supplied role data: "${mistakes.join('; ')}"`)
  storage.put(roleKey(name), role, stored?.version ?? 0)
  const told = [...warnings, ...kind!.warnings(role)]
  return told.length > 0 ? { warnings: told } : undefined
}

function typeMistakes({ type }: Role, kind: CredentialKind | undefined): readonly string[] {
  if (kind) return []
  return [type === '' ? 'did not supply credential_type' : `unrecognized credential type: ${type}`]
}

/** What holds for every type, and which fields belong to which. */
function commonMistakes(role: Role): readonly string[] {
  const sts = role.type === 'assumed_role' || role.type === 'federation_token'
  const mistakes: string[] = []
  const refuse = (bad: boolean, text: string) => bad && mistakes.push(text)
  for (const [field, ttl] of [
    ['default_sts_ttl', role.defaultStsTtl],
    ['max_sts_ttl', role.maxStsTtl]
  ] as const)
    refuse(
      ttl > 0 && !sts && role.type !== 'session_token',
      `${field} parameter only valid for assumed_role and federation_token credential types`
    )
  refuse(
    role.maxStsTtl > 0 && role.defaultStsTtl > role.maxStsTtl,
    '"default_sts_ttl" value must be less than or equal to "max_sts_ttl" value'
  )
  refuse(role.userPath !== '' && role.type !== 'iam_user', 'user_path parameter only valid for iam_user credential type')
  refuse(
    role.permissionsBoundaryArn !== '' && role.type !== 'iam_user',
    "cannot supply permissions_boundary_arn when credential_type isn't iam_user"
  )
  refuse(
    (role.roleArns ?? []).length > 0 && role.type !== 'assumed_role',
    "cannot supply role_arns when credential_type isn't assumed_role"
  )
  if (role.type !== 'assumed_role') mistakes.push(...fieldsOfSessions(role))
  for (const arn of role.policyArns ?? [])
    refuse(!isIamArn(arn, 'policy'), `policy_arns: expected the ARN of a policy, such as arn:aws:iam::111122223333:policy/name`)
  for (const group of role.iamGroups ?? []) refuse(!/^[\w+=,.@-]{1,128}$/.test(group), 'iam_groups: expected names of groups')
  return [...new Set(mistakes)]
}

/** Whoever asks for a cut, or for a name in CloudTrail, of what has neither must hear that there will be none. */
function fieldsOfSessions({ sessionTags, externalId, sourceIdentity, cutOnRevoke }: Role): readonly string[] {
  const given = {
    session_tags: Object.keys(sessionTags ?? {}).length > 0,
    external_id: externalId !== '',
    source_identity: (sourceIdentity ?? '') !== '',
    cut_on_revoke: cutOnRevoke !== null && cutOnRevoke !== 'none'
  }
  return Object.entries(given).flatMap(([field, is]) => (is ? [`cannot supply ${field} when credential_type isn't assumed_role`] : []))
}

/** An update names what changes; what it leaves out stays. */
function merged(fields: RoleFields, stored: Role | undefined): Role {
  return {
    type: fields.credential_type ?? stored?.type ?? '',
    policyArns: fields.policy_arns ?? stored?.policyArns ?? null,
    policyDocument: fields.policy_document === undefined ? (stored?.policyDocument ?? '') : document(fields.policy_document),
    roleArns: fields.role_arns ?? stored?.roleArns ?? null,
    iamGroups: fields.iam_groups ?? stored?.iamGroups ?? null,
    iamTags: fields.iam_tags ?? stored?.iamTags ?? null,
    sessionTags: fields.session_tags ?? stored?.sessionTags ?? null,
    externalId: fields.external_id ?? stored?.externalId ?? '',
    mfaSerialNumber: fields.mfa_serial_number ?? stored?.mfaSerialNumber ?? '',
    defaultStsTtl: fields.default_sts_ttl ?? stored?.defaultStsTtl ?? 0,
    maxStsTtl: fields.max_sts_ttl ?? stored?.maxStsTtl ?? 0,
    userPath: fields.user_path ?? stored?.userPath ?? '',
    permissionsBoundaryArn: fields.permissions_boundary_arn ?? stored?.permissionsBoundaryArn ?? '',
    guard: fields.guard === undefined ? (stored?.guard ?? null) : guard(fields.guard),
    sourceIdentity: fields.source_identity ?? stored?.sourceIdentity ?? null,
    cutOnRevoke: fields.cut_on_revoke === undefined ? (stored?.cutOnRevoke ?? null) : cutOff(fields.cut_on_revoke),
    waitUntilUsable: fields.wait_until_usable ?? stored?.waitUntilUsable ?? null,
    leaseOutlivesToken: fields.lease_outlives_token ?? stored?.leaseOutlivesToken ?? null
  }
}

const document = (text: string): string => (text === '' ? '' : compactPolicy(text))

function guard(text: string): 'full' | 'iam' | null {
  if (text === '') return null
  if (text !== 'full' && text !== 'iam') throw new BrokerError('invalid_request', 'guard: expected "full" or "iam"')
  return text
}

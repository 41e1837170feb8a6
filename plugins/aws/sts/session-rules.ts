/** What keeps a role of sessions from being written, and what it gives up. */
import { isIamArn } from '../account/arn.ts'
import type { Role } from '../role/role.ts'
import { refuseSourceIdentity, refuseTags } from './attribution.ts'
import { secondsMin } from './session-kinds.ts'
import type { SessionKind } from './session-kinds.ts'

// Of AWS: the plain text of a session policy, and managed policies of one session.
const documentCharsMax = 2_048
const arnsMax = 10
const externalIdPattern = /^[\w+=,.@:/-]{2,1224}$/

const needs = 'must specify at least one of policy_arns or policy_document with federation_token credential_type'

export function sessionMistakes(kind: SessionKind, role: Role): readonly string[] {
  const mistakes: string[] = []
  const refuse = (bad: boolean, text: string) => bad && mistakes.push(text)
  refuse(
    role.policyDocument.length > documentCharsMax,
    `policy_document: ${role.policyDocument.length} characters, and a session takes ${documentCharsMax}`
  )
  refuse((role.policyArns ?? []).length > arnsMax, `policy_arns: a session takes ${arnsMax}`)
  refuse((role.iamTags ?? null) !== null, "cannot supply iam_tags when credential_type isn't iam_user")
  refuse(role.guard !== null, "cannot supply guard when credential_type isn't iam_user")
  refuse(kind === 'federation_token' && !hasPolicy(role), needs)
  refuse(kind === 'session_token' && hasPolicy(role), 'cannot supply a policy or role when using credential_type session_token')
  refuse(
    role.mfaSerialNumber !== '' && kind !== 'session_token',
    'mfa_serial_number parameter only valid for session_token credential type'
  )
  if (kind === 'assumed_role') mistakes.push(...roleMistakes(role))
  return mistakes
}

const hasPolicy = ({ policyDocument, policyArns, iamGroups }: Role): boolean =>
  policyDocument !== '' || (policyArns ?? []).length > 0 || (iamGroups ?? []).length > 0

function roleMistakes(role: Role): readonly string[] {
  const mistakes: string[] = []
  if ((role.roleArns ?? []).length === 0) mistakes.push('did not supply role_arns with assumed_role credential_type')
  if ((role.roleArns ?? []).some(arn => !isIamArn(arn, 'role')))
    mistakes.push('role_arns: expected the exact ARN of a role, such as arn:aws:iam::111122223333:role/name')
  if (role.externalId !== '' && !externalIdPattern.test(role.externalId))
    mistakes.push('external_id: 2 to 1224 letters, digits or _+=,.@:/-')
  mistakes.push(...mistakeOf(() => refuseTags(role.sessionTags ?? {})), ...mistakeOf(() => refuseSourceIdentity(role.sourceIdentity ?? '')))
  return mistakes
}

function mistakeOf(check: () => void): readonly string[] {
  try {
    check()
    return []
  } catch (error) {
    return [error instanceof Error ? error.message : 'invalid']
  }
}

export function sessionWarnings(kind: SessionKind, role: Role): readonly string[] {
  const warnings: string[] = []
  if (kind === 'session_token') warnings.push('a session_token has all rights of the user whose keys the root holds')
  if (role.defaultStsTtl > 0 && role.defaultStsTtl < secondsMin)
    warnings.push(`default_sts_ttl: STS gives no session of less than ${secondsMin} s, and requests that name no ttl will be refused`)
  if (role.cutOnRevoke === 'issue_time')
    warnings.push(
      'cut_on_revoke by issue_time: revoking one lease cuts every session of the IAM role that was issued before it, whoever asked for it'
    )
  if (role.cutOnRevoke !== null && role.cutOnRevoke !== 'none')
    warnings.push(
      'cut_on_revoke needs iam:PutRolePolicy and iam:DeleteRolePolicy on these roles, which is the power to change what they may do: allow it on exactly these'
    )
  return warnings
}

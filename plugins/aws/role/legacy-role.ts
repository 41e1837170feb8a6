import { BrokerError } from 'mayfly/plugin'
import { isIamArn } from '../account/arn.ts'
import type { RoleFields } from './role.ts'

const since = [
  'credential_type',
  'role_arns',
  'policy_arns',
  'policy_document',
  'default_sts_ttl',
  'max_sts_ttl',
  'user_path',
  'permissions_boundary_arn',
  'iam_groups'
] as const

/** `policy` and `arn`, from before there were credential types, as the fields of today. */
export function legacyFields(fields: RoleFields): { readonly fields: RoleFields; readonly warnings: readonly string[] } {
  const { policy, arn } = fields
  if (!policy && !arn) return { fields, warnings: [] }
  if (policy && arn) throw new BrokerError('invalid_request', 'only one of policy or arn should be provided')
  const mixed = since.find(name => fields[name] !== undefined)
  if (mixed !== undefined) {
    const named = mixed === 'credential_type' ? 'an explicit credential_type' : mixed
    throw new BrokerError('invalid_request', `cannot supply deprecated role or policy parameters with ${named}`)
  }
  const warnings = [
    'policy and arn are from before there were credential types: the role was stored with credential_type, policy_document, policy_arns or role_arns instead'
  ]
  if (policy) return { fields: { ...fields, credential_type: 'iam_user', policy_document: policy }, warnings }
  if (isIamArn(arn!, 'role')) return { fields: { ...fields, credential_type: 'assumed_role', role_arns: [arn!] }, warnings }
  return { fields: { ...fields, credential_type: 'iam_user', policy_arns: [arn!] }, warnings }
}

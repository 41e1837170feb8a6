import { BrokerError } from 'mayfly/plugin'
import { isIamArn } from './arn.ts'
import type { RoleFields } from './role.ts'

const since = ['credential_type', 'policy_arns', 'policy_document', 'role_arns', 'iam_groups'] as const

/** `policy` and `arn`, from before there were credential types, as the fields of today. */
export function legacyFields(fields: RoleFields): { readonly fields: RoleFields; readonly warnings: readonly string[] } {
  const { policy, arn } = fields
  if (!policy && !arn) return { fields, warnings: [] }
  const mixed = since.find(name => fields[name] !== undefined)
  if (mixed !== undefined || (policy && arn))
    throw new BrokerError('invalid_request', `cannot supply deprecated role or policy parameters with ${mixed ?? 'each other'}`)
  const warnings = [
    'policy and arn are from before there were credential types: the role was stored with credential_type, policy_document, policy_arns or role_arns instead'
  ]
  if (policy) return { fields: { ...fields, credential_type: 'iam_user', policy_document: policy }, warnings }
  if (isIamArn(arn!, 'role')) return { fields: { ...fields, credential_type: 'assumed_role', role_arns: [arn!] }, warnings }
  return { fields: { ...fields, credential_type: 'iam_user', policy_arns: [arn!] }, warnings }
}

import { isIamArn } from '../account/arn.ts'
import { policyLength } from '../role/policy-document.ts'
import type { Role } from '../role/role.ts'
import { roleCharsMax } from './dead-man.ts'
import { ownTagsMax, tagPrefix } from './mark.ts'

// Of AWS. A longer path would leave no room for ours below it.
const pathPattern = /^\/([\x21-\x7F]{0,460}\/)?$/
const tagsMax = 50
const policiesMax = 10
const groupsMax = 10
const tagKey = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u
const tagValue = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u

/** What AWS would refuse of each user of the role, found when the role is written. */
export function userMistakes(role: Role): readonly string[] {
  const mistakes: string[] = []
  const refuse = (bad: boolean, text: string) => bad && mistakes.push(text)
  const [policies, groups, guard] = [role.policyArns ?? [], role.iamGroups ?? [], role.guard ?? 'full']
  refuse(
    role.userPath !== '' && !pathPattern.test(role.userPath),
    'user_path: expected a path of at most 460 printable characters that begins and ends with "/"'
  )
  refuse(
    role.permissionsBoundaryArn !== '' && !isIamArn(role.permissionsBoundaryArn, 'policy'),
    'invalid permissions_boundary_arn parameter: expected the ARN of a policy, such as arn:aws:iam::111122223333:policy/name'
  )
  refuse(policies.length > policiesMax, `policy_arns: at most ${policiesMax}`)
  refuse(groups.length > groupsMax, `iam_groups: at most ${groupsMax}`)
  refuse(
    policyLength(role.policyDocument) > roleCharsMax(guard),
    `policy_document: ${policyLength(role.policyDocument)} characters, and ${roleCharsMax(guard)} are left beside the policies that end the user: attach it as a managed policy`
  )
  for (const [key, value] of Object.entries(role.iamTags ?? {})) {
    refuse(
      !tagKey.test(key) || /^(aws|mayfly):/i.test(key),
      `iam_tags: a key is 1 to 128 letters, digits, blanks or _.:/=+-@, and does not begin with aws: or ${tagPrefix}`
    )
    refuse(!tagValue.test(value), 'iam_tags: a value is at most 256 letters, digits, blanks or _.:/=+-@')
  }
  const keys = Object.keys(role.iamTags ?? {})
  refuse(new Set(keys.map(key => key.toLowerCase())).size < keys.length, 'iam_tags: two keys that differ in case alone are one to AWS')
  refuse(keys.length > tagsMax - ownTagsMax, `iam_tags: at most ${tagsMax - ownTagsMax}`)
  return [...new Set(mistakes)]
}

export function userWarnings(role: Role): readonly string[] {
  return [
    ...(role.permissionsBoundaryArn === ''
      ? ['permissions_boundary_arn is not set: what its policies allow is all that keeps a user of this role from more']
      : []),
    ...(role.guard === 'iam' ? ['guard "iam" lets a user swap its key for a session of STS, and that outlives the user'] : []),
    ...((role.policyArns ?? []).length + (role.iamGroups ?? []).length === 0 && role.policyDocument === ''
      ? ['the role has neither policies nor groups: its users may do nothing']
      : [])
  ]
}

/** What the broker itself has to be allowed, and nothing more: the statements that one role takes, and of all of them one policy. Pure. */
import type { Json, JsonObject } from 'mayfly/plugin'
import type { Role } from '../role/role.ts'

export interface Where {
  readonly partition: string
  /** Twelve digits. */
  readonly account: string
  /** Of the users of this broker, below the path of a role: `mayfly-1b4e28ba2fa1/`. */
  readonly userPath: string
  /** The principal that the broker is. */
  readonly rootArn: string
}

export interface Statement {
  readonly sid: string
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  readonly condition?: JsonObject
}

// As one reads them: a user, its keys, what others may have given it, its policies.
const endOfUser = inIam(
  'GetUser DeleteUser ListUserTags GetAccessKeyLastUsed',
  'ListAccessKeys UpdateAccessKey DeleteAccessKey DeleteLoginProfile',
  'ListSigningCertificates DeleteSigningCertificate ListSSHPublicKeys DeleteSSHPublicKey',
  'ListServiceSpecificCredentials DeleteServiceSpecificCredential ListMFADevices DeactivateMFADevice',
  'ListUserPolicies GetUserPolicy DeleteUserPolicy ListAttachedUserPolicies DetachUserPolicy ListGroupsForUser'
)
const ownKeys = inIam('GetUser ListAccessKeys CreateAccessKey UpdateAccessKey DeleteAccessKey')

function inIam(...lines: readonly string[]): readonly string[] {
  return lines.flatMap(line => line.split(' ')).map(action => `iam:${action}`)
}

/** What a role takes to issue, to end, and to look. */
export function rightsOfRole(role: Role, where: Where): readonly Statement[] {
  if (role.type === 'iam_user') return rightsOfUsers(role, where)
  const groups = (role.iamGroups ?? []).flatMap(name => groupArns(where, name))
  const reading = inIam('ListAttachedGroupPolicies ListGroupPolicies GetGroupPolicy')
  return [...rightsOfSessions(role, where), ...(groups.length > 0 ? [{ sid: 'ReadGroups', actions: reading, resources: groups }] : [])]
}

function rightsOfUsers(role: Role, where: Where): readonly Statement[] {
  const users = [userArn(where, `${role.userPath || '/'}${where.userPath}*`)]
  const boundary = role.permissionsBoundaryArn
  const bounded = boundary === '' ? {} : { condition: { StringEquals: { 'iam:PermissionsBoundary': boundary } } }
  const groups = (role.iamGroups ?? []).flatMap(name => groupArns(where, name))
  const policies = role.policyArns ?? []
  return [
    { sid: 'CreateUsers', actions: ['iam:CreateUser', 'iam:PutUserPolicy'], resources: users, ...bounded },
    ...(policies.length > 0
      ? [{ sid: 'AttachPolicies', actions: ['iam:AttachUserPolicy'], resources: users, condition: attaching(policies, boundary) }]
      : []),
    { sid: 'ManageUsers', actions: ['iam:TagUser', 'iam:CreateAccessKey', ...endOfUser], resources: users },
    { sid: 'RemoveDevices', actions: ['iam:DeleteVirtualMFADevice'], resources: [`arn:${where.partition}:iam::${where.account}:mfa/*`] },
    { sid: 'FindUsers', actions: ['iam:ListUsers'], resources: ['*'] },
    ...(groups.length > 0 ? [{ sid: 'JoinGroups', actions: ['iam:AddUserToGroup', 'iam:RemoveUserFromGroup'], resources: groups }] : [])
  ]
}

const attaching = (policies: readonly string[], boundary: string): JsonObject => ({
  ArnEquals: { 'iam:PolicyARN': policies },
  ...(boundary !== '' && { StringEquals: { 'iam:PermissionsBoundary': boundary } })
})

function rightsOfSessions(role: Role, { partition, account }: Where): readonly Statement[] {
  if (role.type === 'federation_token')
    return [{ sid: 'Federate', actions: ['sts:GetFederationToken'], resources: [`arn:${partition}:sts::${account}:federated-user/*`] }]
  if (role.type !== 'assumed_role') return []
  const resources = role.roleArns ?? []
  const actions = [
    'sts:AssumeRole',
    ...(role.sessionTags ? ['sts:TagSession'] : []),
    ...(role.sourceIdentity ? ['sts:SetSourceIdentity'] : [])
  ]
  const cutting = cuts(role) ? [{ sid: 'CutSessions', actions: ['iam:PutRolePolicy', 'iam:DeleteRolePolicy'], resources }] : []
  return [{ sid: `Assume${actions.length > 1 ? 'Attributed' : ''}`, actions, resources }, ...cutting]
}

export const cuts = ({ cutOnRevoke }: Role): boolean => cutOnRevoke !== null && cutOnRevoke !== 'none'

/** Its own keys, and what it may know of itself. */
export function ownRights({ rootArn }: Where): readonly Statement[] {
  return /:user\//.test(rootArn) ? [{ sid: 'OwnKey', actions: [...ownKeys, 'iam:SimulatePrincipalPolicy'], resources: [rootArn] }] : []
}

export function rightsOfStatic(usernames: readonly string[], where: Where): readonly Statement[] {
  if (usernames.length === 0) return []
  return [
    {
      sid: 'StaticRoles',
      actions: [...ownKeys, ...inIam('TagUser UntagUser')],
      resources: usernames.flatMap(name => [userArn(where, `/${name}`), userArn(where, `/*/${name}`)])
    }
  ]
}

/** Statements that differ in their resources alone are one. */
export function policyOf(statements: readonly Statement[]): JsonObject {
  const alike = Map.groupBy(statements, ({ sid, actions, condition }) => JSON.stringify([sid, actions, condition ?? null]))
  const used = new Map<string, number>()
  const written = [...alike.values()].map(([first, ...others]): Json => {
    const { sid, actions, condition } = first!
    const number = (used.get(sid) ?? 0) + 1
    used.set(sid, number)
    const resources = [...new Set([first!, ...others].flatMap(({ resources }) => resources))]
    return {
      Sid: number === 1 ? sid : `${sid}${number}`,
      Effect: 'Allow',
      Action: actions,
      Resource: resources,
      ...(condition && { Condition: condition })
    }
  })
  return { Version: '2012-10-17', Statement: written }
}

const userArn = ({ partition, account }: Where, pathAndName: string): string => `arn:${partition}:iam::${account}:user${pathAndName}`

/** The ARN of a group holds its path, which a role does not name. */
const groupArns = ({ partition, account }: Where, name: string): readonly string[] =>
  ['', '*/'].map(path => `arn:${partition}:iam::${account}:group/${path}${name}`)

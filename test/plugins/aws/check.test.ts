/** A role tried before somebody needs it, and what the broker has to be allowed. */
import { CreatePolicyCommand } from '@aws-sdk/client-iam'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { policyOf, rightsOfRole } from '../../../plugins/aws/check/needed-rights.ts'
import type { Role } from '../../../plugins/aws/role/role.ts'
import { dataOf } from '../../broker/small-broker.ts'
import { missing } from '../../targets/missing.ts'
import { motoMissing } from '../../targets/moto.ts'
import { awsStand } from './stand.ts'
import type { AwsStand } from './stand.ts'

const policy_document = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:ListBucket', Resource: '*' }] })
let stand: AwsStand

describe.skipIf(missing(motoMissing()))('a check of a role', () => {
  beforeAll(async () => {
    stand = await awsStand()
  })
  afterAll(() => stand[Symbol.asyncDispose]())

  test('makes a user, uses its key, ends it, and leaves nothing but a lease that is over', async () => {
    await stand.write('aws/roles/users', { credential_type: 'iam_user', policy_document, user_path: '/check/' })
    const reply = await stand.during(stand.ask('write', 'aws/roles/users/check'))
    const report = dataOf(reply)
    expect(report).toMatchObject({ role: 'users', credential_type: 'iam_user', ok: true })
    expect(report.steps.map(({ step, ok }: any) => [step, ok])).toEqual(
      ['root', 'rights', 'plan', 'create', 'use', 'end'].map(step => [step, true])
    )
    expect(report.concerns.join()).toContain('not simulated')
    expect(JSON.stringify(report)).not.toMatch(/AKIA|secret/i)
    expect(await stand.moto.users('/check/')).toEqual([])
    await stand.until(async () => {
      const { holdings } = dataOf(await stand.ask('read', 'sys/holdings', { ended: true }))
      return holdings.find(({ id }: any) => id === reply.lease!.id)?.state === 'revoked'
    })
  })

  test('a session is tried too, and its keys leave nobody', async () => {
    await stand.write('aws/roles/session', {
      credential_type: 'assumed_role',
      role_arns: [await stand.newRole(), await stand.newRole()],
      session_tags: { ticket: '{{ticket}}' },
      cut_on_revoke: true
    })
    const report = dataOf(await stand.during(stand.ask('write', 'aws/roles/session/check')))
    expect(report.ok, JSON.stringify(report)).toBe(true)
    expect(report.steps.at(-1).told).toMatch(/^nobody has them, and they end at /)
  })

  test('what does not work is told as the step that failed, and there is nothing to end', async () => {
    await stand.write('aws/roles/broken', { credential_type: 'iam_user', policy_arns: 'arn:aws:iam::123456789012:policy/not-there' })
    const report = dataOf(await stand.during(stand.ask('write', 'aws/roles/broken/check')))
    expect(report.ok).toBe(false)
    expect(report.steps.at(-1)).toMatchObject({ step: 'create', ok: false, told: expect.stringContaining('Error attaching user policy') })
    await expect(stand.ask('write', 'aws/roles/none/check')).rejects.toThrow('Role "none" not found')
  })

  test('the policy of the broker is one that AWS takes, of what the roles need', async () => {
    const { policy, concerns } = await stand.read('aws/policy')
    await stand.moto.iam.send(new CreatePolicyCommand({ PolicyName: `p-${Date.now()}`, PolicyDocument: JSON.stringify(policy) }))
    const sids = policy.Statement.map(({ Sid }: any) => Sid)
    expect(new Set(sids).size).toBe(sids.length)
    expect(sids).toEqual(
      expect.arrayContaining(['OwnKey', 'CreateUsers', 'ManageUsers', 'AssumeAttributed', 'CutSessions', 'AttachPolicies'])
    )
    expect(JSON.stringify(policy)).not.toMatch(/"iam:\*"|PutUserPermissionsBoundary|CreatePolicyVersion/)
    expect(concerns.join()).toContain('iam_user without permissions_boundary_arn')
  })
})

const role = (fields: Partial<Role>): Role => ({
  type: 'iam_user',
  policyArns: null,
  policyDocument: '',
  roleArns: null,
  iamGroups: null,
  iamTags: null,
  sessionTags: null,
  externalId: '',
  mfaSerialNumber: '',
  defaultStsTtl: 0,
  maxStsTtl: 0,
  userPath: '',
  permissionsBoundaryArn: '',
  guard: null,
  sourceIdentity: null,
  cutOnRevoke: null,
  waitUntilUsable: null,
  leaseOutlivesToken: null,
  ...fields
})

test('roles that differ in their resources alone share a statement, and a boundary is a condition', () => {
  const where = { partition: 'aws', account: '111122223333', userPath: 'mayfly-x/', rootArn: 'arn:aws:iam::111122223333:user/broker' }
  const boundary = 'arn:aws:iam::111122223333:policy/b'
  const roles = [
    role({ userPath: '/a/', permissionsBoundaryArn: boundary }),
    role({ userPath: '/b/', permissionsBoundaryArn: boundary }),
    role({})
  ]
  const { Statement } = policyOf(roles.flatMap(one => rightsOfRole(one, where))) as { Statement: any[] }
  const creating = Statement.filter(({ Sid }) => Sid.startsWith('CreateUsers'))
  expect(creating).toEqual([
    {
      Sid: 'CreateUsers',
      Effect: 'Allow',
      Action: ['iam:CreateUser', 'iam:PutUserPolicy'],
      Resource: ['arn:aws:iam::111122223333:user/a/mayfly-x/*', 'arn:aws:iam::111122223333:user/b/mayfly-x/*'],
      Condition: { StringEquals: { 'iam:PermissionsBoundary': boundary } }
    },
    {
      Sid: 'CreateUsers2',
      Effect: 'Allow',
      Action: ['iam:CreateUser', 'iam:PutUserPolicy'],
      Resource: ['arn:aws:iam::111122223333:user/mayfly-x/*']
    }
  ])
})

/** What STS and IAM are asked for a session and for its cut, and what becomes of it where they refuse, answer late, or not at all. */
import { randomBytes } from 'node:crypto'
import { CreateRoleCommand, GetRolePolicyCommand, ListRolePoliciesCommand } from '@aws-sdk/client-iam'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestLease } from '../../contract/test-mount.ts'
import { missing } from '../../targets/missing.ts'
import type { MotoAccess } from '../../targets/moto-access.ts'
import { notFound, throttled } from '../../targets/moto-front.ts'
import { motoMissing } from '../../targets/moto.ts'
import { sharedMoto } from '../../targets/moto-shared.ts'
import { openAwsMount } from './mount.ts'
import type { AwsMount } from './mount.ts'

const policy_document = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }] })
const policy_arns = ['arn:aws:iam::aws:policy/ReadOnlyAccess']

describe.skipIf(missing(motoMissing()))('a session', () => {
  let moto: MotoAccess

  beforeAll(async () => {
    moto = await sharedMoto()
  })
  afterAll(() => moto.dispose())

  const newRole = async (RoleName = `role-${randomBytes(6).toString('hex')}`) => {
    const trust = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' }] }
    const { Role } = await moto.iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: JSON.stringify(trust) }))
    return Role!.Arn!
  }

  const openMount = async (role: Readonly<Record<string, unknown>>, arn?: string) => {
    const under = await openAwsMount(moto)
    const role_arns = arn ?? (await newRole())
    await under.mount.write('roles/session', { credential_type: 'assumed_role', role_arns, default_sts_ttl: '1h', ...role })
    under.front.calls.length = 0
    return Object.assign(under, { role_arns })
  }

  /** The policy that cuts sessions of the role. */
  const cutOf = async (arn: string) => {
    const RoleName = arn.split('/').at(-1)!
    const { PolicyNames = [] } = await moto.iam.send(new ListRolePoliciesCommand({ RoleName }))
    if (PolicyNames[0] === undefined) return undefined
    const { PolicyDocument } = await moto.iam.send(new GetRolePolicyCommand({ RoleName, PolicyName: PolicyNames[0] }))
    return JSON.parse(decodeURIComponent(PolicyDocument!))
  }

  test('is asked for with everything that the role says, and nothing of the caller', async () => {
    await using under = await openMount({
      policy_document,
      policy_arns,
      external_id: 'from:mayfly',
      session_tags: { who: '{{display_name}}', lease: '{{lease}}', team: 'payments' },
      source_identity: '{{display_name}}'
    })
    const lease = await under.mount.issue('creds/session', { displayName: 'ada lovelace' })
    const part = lease.plan.name.slice(lease.plan.name.lastIndexOf('-') + 1)
    const [asked] = under.front.calls
    expect(Object.fromEntries(asked!.fields)).toMatchObject({
      Action: 'AssumeRole',
      RoleArn: under.role_arns,
      RoleSessionName: lease.plan.name,
      DurationSeconds: '3600',
      Policy: policy_document,
      'PolicyArns.member.1.arn': policy_arns[0],
      ExternalId: 'from:mayfly',
      SourceIdentity: 'ada_lovelace',
      'Tags.member.1.Value': 'ada lovelace',
      'Tags.member.2.Value': part,
      'Tags.member.3.Value': 'payments'
    })
    expect(lease.plan.name).toMatch(/^ada_lovelace-session-/)
    expect(lease.plan.visible).toMatchObject({ session: lease.plan.name, role_arn: under.role_arns })
  })

  test('that the role does not give for so long is shorter, and the caller is told', async () => {
    await using under = await openMount({ default_sts_ttl: '4h' })
    under.front.rule = ({ action, fields }) =>
      action === 'AssumeRole' && Number(fields.get('DurationSeconds')) > 3_600
        ? {
            status: 400,
            code: 'ValidationError',
            message: 'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.'
          }
        : 'pass'
    const planned = await under.mount.plan('creds/session')
    const issued = await issueOf(under, planned, 14_400)
    expect(issued.until!.since(under.clock.now()).total('seconds')).toBeLessThan(3_601)
    expect(issued.warnings).toEqual([expect.stringContaining('AWS gives no session of 14400 s here')])
  })

  test('that AWS refuses is told in its words, and ends at the latest when it could have ended', async () => {
    await using under = await openMount({})
    under.front.rule = () => ({ status: 403, code: 'AccessDenied', message: 'User: arn:aws:iam::1:user/x is not authorized' })
    const planned = await under.mount.plan('creds/session')
    await expect(under.mount.perform(planned)).rejects.toThrow(
      'Error assuming role: AccessDenied: User: arn:aws:iam::1:user/x is not authorized'
    )
    expect(await under.mount.revoke([planned])).toMatchObject([{ kind: 'outlives' }])
    under.clock.pass(3_700)
    expect(await under.mount.revoke([planned])).toEqual([{ kind: 'gone' }])
  })

  test('whose answer was lost belongs to nobody, and is asked for anew under the same name', async () => {
    await using under = await openMount({})
    under.front.rule = ({ count }) => (count === 1 ? { status: 500, code: 'InternalFailure' } : 'pass')
    const lease = await under.mount.issue('creds/session')
    expect(under.front.actions()).toEqual(['AssumeRole', 'AssumeRole'])
    expect(await moto.caller(lease.secret!.reveal() as never)).toContain(lease.plan.name)
  })

  test('is held back until three servers in a row take its keys', async () => {
    await using under = await openMount({ wait_until_usable: true })
    const unknown = { status: 403, code: 'InvalidClientTokenId' } as const
    under.front.rule = ({ action, count }) => (action === 'GetCallerIdentity' && [1, 3].includes(count % 100) ? unknown : 'pass')
    const issued = await issueOf(under, await under.mount.plan('creds/session'), 3_600)
    expect(await issued.afterwards!(new AbortController().signal)).toEqual([])
    expect(under.front.actions().filter(action => action === 'GetCallerIdentity').length).toBeGreaterThanOrEqual(4)
  })

  describe('that is cut', () => {
    test('by issue time takes those with it that were issued before', async () => {
      await using under = await openMount({ cut_on_revoke: 'issue_time' })
      const lease = await under.mount.issue('creds/session')
      expect(await revokeAndPublish(under, [lease])).toMatchObject([{ kind: 'outlives', why: 'the policy that cuts it is being written' }])
      const document = await cutOf(under.role_arns)
      expect(document.Statement).toMatchObject([{ Sid: 'IssuedBefore', Effect: 'Deny', Action: '*', Resource: '*' }])
      const before = Temporal.Instant.from(document.Statement[0].Condition.DateLessThan['aws:TokenIssueTime'])
      expect(before.since(under.clock.now()).total('seconds')).toBeGreaterThan(-5)
      expect(before.since(under.clock.now()).total('seconds')).toBeLessThan(5)
      under.clock.pass(121)
      expect(await under.mount.revoke([lease])).toMatchObject([{ kind: 'ended' }])
      under.clock.pass(3_600)
      expect(await revokeAndPublish(under, [lease])).toEqual([{ kind: 'gone' }])
      expect(await cutOf(under.role_arns)).toBeUndefined()
    })

    test('counts as ended only when AWS has had its minutes', async () => {
      await using under = await openMount({ cut_on_revoke: true })
      const lease = await under.mount.issue('creds/session')
      await revokeAndPublish(under, [lease])
      under.clock.pass(60)
      expect(await under.mount.revoke([lease])).toMatchObject([{ kind: 'outlives', why: expect.stringContaining('AWS may need minutes') }])
    })

    test('is cut in less room where other policies of the role take theirs; who has no place is told, and moves up', async () => {
      await using under = await openMount({ cut_on_revoke: true })
      const roomMax = 700
      under.front.rule = ({ action, fields }) =>
        action === 'PutRolePolicy' && fields.get('PolicyDocument')!.length > roomMax
          ? { status: 409, code: 'LimitExceeded', message: 'Maximum policy size of 10240 bytes exceeded for role' }
          : 'pass'
      const leases: TestLease[] = []
      for (let i = 0; i < 30; i++) leases.push(await under.mount.issue('creds/session'))
      await revokeAndPublish(under, leases)
      const cut = (await cutOf(under.role_arns)).Statement[0].Condition.StringLike['aws:userid'].length
      expect(cut).toBeGreaterThan(5)
      expect(cut).toBeLessThan(30)
      const told = await under.mount.revoke(leases)
      expect(told.filter(one => 'why' in one && one.why.includes('no room for one more cut'))).toHaveLength(30 - cut)
    })

    test('is cut in the end although AWS takes no calls for a while', async () => {
      await using under = await openMount({ cut_on_revoke: true })
      under.front.rule = ({ action, count }) => (action === 'PutRolePolicy' && count <= 2 ? throttled : 'pass')
      await revokeAndPublish(under, [await under.mount.issue('creds/session')])
      expect(await cutOf(under.role_arns)).toBeDefined()
    })

    test('of a role that is gone ends by itself, and AWS is not asked about it again and again', async () => {
      await using under = await openMount({ cut_on_revoke: true })
      under.front.rule = ({ action }) => (/RolePolicy/.test(action) ? notFound : 'pass')
      const lease = await under.mount.issue('creds/session')
      await revokeAndPublish(under, [lease])
      expect(await revokeAndPublish(under, [lease])).toMatchObject([{ kind: 'outlives', why: expect.stringContaining('or is not there') }])
      under.clock.pass(3_700)
      expect(await revokeAndPublish(under, [lease])).toEqual([{ kind: 'gone' }])
      expect(under.mount.rows.tasks).toEqual([])
      expect(await under.mount.rows.list('cuts')).toEqual([])
    })
  })
})

async function issueOf(under: AwsMount, { lease, plan, handle }: TestLease, seconds: number) {
  const { target, recipe, order = null } = plan
  const now = under.clock.now()
  const call = { lease, target, recipe, handle, order, createBy: now.add({ seconds: 10 }), until: now.add({ seconds }) }
  return await under.mount.backend.credentials['assumed_role']!.issue!(call, new AbortController().signal)
}

async function revokeAndPublish(under: AwsMount, leases: readonly TestLease[]) {
  const outcomes = await under.mount.revoke(leases)
  await under.mount.runTasks()
  return outcomes
}

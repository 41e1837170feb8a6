/** How users of IAM begin, and what becomes of one whose beginning AWS does not tell. */
import {
  CreateGroupCommand,
  CreatePolicyCommand,
  CreateUserCommand,
  DeleteUserCommand,
  GetUserCommand,
  ListAccessKeysCommand
} from '@aws-sdk/client-iam'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing } from '../../targets/missing.ts'
import type { MotoAccess } from '../../targets/moto-access.ts'
import { notFound } from '../../targets/moto-front.ts'
import { motoMissing } from '../../targets/moto.ts'
import { sharedMoto } from '../../targets/moto-shared.ts'
import { everything, keysOf, openAwsMount, revokedForGood } from './mount.ts'

describe.skipIf(missing(motoMissing()))('a user of IAM', () => {
  let moto: MotoAccess

  beforeAll(async () => {
    moto = await sharedMoto()
  })
  afterAll(() => moto.dispose())

  const isThere = async (name: string) => {
    const seen = await moto.iam.send(new GetUserCommand({ UserName: name })).catch(() => undefined)
    return seen !== undefined
  }

  test('can end before it can do anything, and its key is made last', async () => {
    await using under = await openAwsMount(moto, { iam_tags: { team: 'payments' }, user_path: '/apps/' })
    const lease = await under.mount.issue('creds/app', { displayName: 'ada lovelace' })
    expect(under.front.actions()).toEqual(['CreateUser', 'PutUserPolicy', 'PutUserPolicy', 'CreateAccessKey'])
    const [create, expiry, role] = under.front.calls.map(({ fields }) => fields)
    expect(create!.get('Path')).toMatch(/^\/apps\/mayfly-[0-9a-f]{12}\/$/)
    expect([...create!.values()]).toEqual(
      expect.arrayContaining(['mayfly:lease', lease.lease.split('/').at(-1), 'team', 'payments', 'ada lovelace'])
    )
    expect([expiry!.get('PolicyName'), role!.get('PolicyName')]).toEqual(['mayfly-expiry', 'app'])
    const until = under.clock.now().add({ seconds: 3_630 })
    const { Statement } = JSON.parse(expiry!.get('PolicyDocument')!)
    expect(Statement[0]).toMatchObject({ Sid: 'Expiry', Effect: 'Deny', Action: '*', Resource: '*' })
    expect(
      Math.abs(Temporal.Instant.from(Statement[0].Condition.DateGreaterThan['aws:CurrentTime']).since(until).total('seconds'))
    ).toBeLessThan(10)
    expect(Statement[1]).toMatchObject({ Sid: 'Guard', Effect: 'Deny', Action: expect.arrayContaining(['iam:*', 'sts:AssumeRole']) })
    expect(lease.visible).toEqual({ access_key: keysOf(lease).access_key })
    expect(lease.plan.name).toMatch(/^mayfly-ada_lovelace-app-[0-9a-z]{20}$/)
  })

  test('is told to AWS with its boundary, its policies and its groups, and loses them', async () => {
    const { Policy } = await moto.iam.send(new CreatePolicyCommand({ PolicyName: `p-${Date.now()}`, PolicyDocument: everything }))
    const group = `g-${Date.now()}`
    await moto.iam.send(new CreateGroupCommand({ GroupName: group }))
    await using under = await openAwsMount(moto, { policy_arns: Policy!.Arn!, iam_groups: group, permissions_boundary_arn: Policy!.Arn! })
    const lease = await under.mount.issue('creds/app')
    expect(under.front.actions()).toEqual([
      'CreateUser',
      'PutUserPolicy',
      'AttachUserPolicy',
      'PutUserPolicy',
      'AddUserToGroup',
      'CreateAccessKey'
    ])
    expect(under.front.calls[0]!.fields.get('PermissionsBoundary')).toBe(Policy!.Arn)
    expect(await revokedForGood(under, [lease])).toEqual([{ kind: 'gone' }])
    expect(await isThere(lease.plan.name)).toBe(false)
  })

  test.each(['CreateUser', 'CreateAccessKey'])(
    'whose %s was carried out unheard is ended, and nothing is asked for twice',
    async action => {
      await using under = await openAwsMount(moto)
      const lease = await under.mount.plan('creds/app')
      under.front.rule = call => (call.action === action ? 'lose' : 'pass')
      await expect(under.mount.perform(lease)).rejects.toMatchObject({ code: 'target_silent' })
      expect(under.front.actions().filter(one => one === action)).toHaveLength(1)
      const { AccessKeyMetadata = [] } = await moto.iam.send(new ListAccessKeysCommand({ UserName: lease.plan.name }))
      expect(AccessKeyMetadata).toHaveLength(action === 'CreateAccessKey' ? 1 : 0)
      expect(await revokedForGood(under, [lease])).toEqual([{ kind: 'gone' }])
      expect(await isThere(lease.plan.name)).toBe(false)
    }
  )

  test('whose policy arrives before AWS knows it everywhere is made all the same', async () => {
    await using under = await openAwsMount(moto)
    under.front.rule = ({ action, count }) => (action === 'PutUserPolicy' && count <= 3 ? notFound : 'pass')
    const lease = await under.mount.issue('creds/app')
    expect([...(await moto.policies(lease.plan.name)).keys()].toSorted()).toEqual(['app', 'mayfly-expiry'])
  })

  test('is refused in the words of the wire, with what AWS says and 400', async () => {
    await using under = await openAwsMount(moto, { policy_arns: 'arn:aws:iam::123456789012:policy/nowhere' })
    await expect(under.mount.issue('creds/app')).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(/^Error attaching user policy: NoSuchEntity: /)
    })
    under.front.rule = () => ({ status: 409, code: 'LimitExceeded', message: 'Cannot exceed quota for UsersPerAccount: 5000' })
    await expect(under.mount.issue('creds/app')).rejects.toMatchObject({ code: 'quota_exceeded' })
    expect(under.alarms).toEqual([expect.stringContaining('the account is full')])
  })

  test('whose name somebody has is not made, and theirs is left alone, with an alarm', async () => {
    await using under = await openAwsMount(moto)
    const lease = await under.mount.plan('creds/app')
    const UserName = lease.plan.name
    await moto.iam.send(new CreateUserCommand({ UserName }))
    await expect(under.mount.perform(lease)).rejects.toThrow('Error creating IAM user: EntityAlreadyExists')
    expect(under.alarms).toEqual([expect.stringContaining('it is left alone')])
    expect((await under.mount.revoke([lease]))[0]).toMatchObject({ kind: 'failed', error: { code: 'target_refused' } })
    expect(await isThere(UserName)).toBe(true)
    expect((await moto.policies(UserName)).size).toBe(0)
    await moto.iam.send(new DeleteUserCommand({ UserName }))
  })
})

/** How users of IAM begin and end where AWS answers late, wrongly, or not at all. */
import {
  AddUserToGroupCommand,
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateGroupCommand,
  CreateLoginProfileCommand,
  CreatePolicyCommand,
  CreateUserCommand,
  CreateVirtualMFADeviceCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  EnableMFADeviceCommand,
  GetUserCommand,
  ListAccessKeysCommand,
  ListVirtualMFADevicesCommand,
  PutUserPolicyCommand,
  UploadSSHPublicKeyCommand
} from '@aws-sdk/client-iam'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BrokerError } from '../../src/contracts/index.ts'
import type { RevokeOutcome } from '../../src/contracts/index.ts'
import type { TestLease } from '../contract/test-mount.ts'
import { missing } from '../targets/missing.ts'
import type { AwsKeys, MotoAccess } from '../targets/moto-access.ts'
import { notFound, throttled } from '../targets/moto-front.ts'
import { motoMissing } from '../targets/moto.ts'
import { sharedMoto } from '../targets/moto-shared.ts'
import { everything, openAwsMount } from './aws-mount.ts'
import type { AwsMount } from './aws-mount.ts'

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

  test('ends with everything that somebody else gave it', async () => {
    await using under = await openAwsMount(moto)
    const lease = await under.mount.issue('creds/app')
    const UserName = lease.plan.name
    const { Policy } = await moto.iam.send(new CreatePolicyCommand({ PolicyName: `q-${Date.now()}`, PolicyDocument: everything }))
    const group = `h-${Date.now()}`
    await moto.iam.send(new CreateGroupCommand({ GroupName: group }))
    await moto.iam.send(new AddUserToGroupCommand({ UserName, GroupName: group }))
    await moto.iam.send(new AttachUserPolicyCommand({ UserName, PolicyArn: Policy!.Arn! }))
    await moto.iam.send(new PutUserPolicyCommand({ UserName, PolicyName: 'theirs', PolicyDocument: everything }))
    await moto.iam.send(new CreateLoginProfileCommand({ UserName, Password: 'a-Passw0rd-of-theirs' }))
    await moto.iam.send(new UploadSSHPublicKeyCommand({ UserName, SSHPublicKeyBody: 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC3' }))
    const { AccessKey: second } = await moto.iam.send(new CreateAccessKeyCommand({ UserName }))
    const { VirtualMFADevice: device } = await moto.iam.send(new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: `m-${Date.now()}` }))
    const SerialNumber = device!.SerialNumber!
    await moto.iam.send(
      new EnableMFADeviceCommand({ UserName, SerialNumber, AuthenticationCode1: '123456', AuthenticationCode2: '654321' })
    )
    expect(await revokedForGood(under, [lease])).toEqual([{ kind: 'gone' }])
    expect(await isThere(UserName)).toBe(false)
    expect(await moto.caller({ access_key: second!.AccessKeyId!, secret_key: second!.SecretAccessKey! })).toBeUndefined()
    const { VirtualMFADevices = [] } = await moto.iam.send(new ListVirtualMFADevicesCommand({}))
    expect(VirtualMFADevices.map(one => one.SerialNumber)).not.toContain(SerialNumber)
    const actions = under.front.actions()
    const order = [
      'DeleteLoginProfile',
      'ListAccessKeys',
      'ListSSHPublicKeys',
      'DeactivateMFADevice',
      'DetachUserPolicy',
      'RemoveUserFromGroup'
    ]
    const at = order.map(action => actions.lastIndexOf(action))
    expect(at).toEqual(at.toSorted((a, b) => a - b))
    expect(at).not.toContain(-1)
  })

  test('is out for all of a batch before one of it is cleaned up', async () => {
    await using under = await openAwsMount(moto)
    const leases = [await under.mount.issue('creds/app'), await under.mount.issue('creds/app'), await under.mount.issue('creds/app')]
    under.front.calls.length = 0
    await under.mount.revoke(leases)
    const actions = under.front.actions()
    expect(actions.lastIndexOf('UpdateAccessKey')).toBeLessThan(actions.indexOf('DeleteAccessKey'))
    expect(actions.lastIndexOf('PutUserPolicy')).toBeLessThan(actions.indexOf('DeleteAccessKey'))
    for (const lease of leases) expect(await moto.caller(keysOf(lease))).toBeUndefined()
  })

  test('ends although AWS takes two calls a second: what has begun is done to the end', { timeout: 60_000 }, async () => {
    await using under = await openAwsMount(moto, {}, 4)
    const leases: TestLease[] = []
    for (let users = 0; users < 10; users++) leases.push(await under.mount.issue('creds/app'))
    await under.mount.write('config/root', { ...under.written, calls_per_second: 2 })
    const denied = async () => {
      const policies = await Promise.all(leases.map(({ plan }) => moto.policies(plan.name)))
      return policies.filter(found => found.has('mayfly-deny')).length
    }
    await under.mount.revoke(leases)
    const first = await denied()
    expect(first).toBeGreaterThanOrEqual(2)
    await under.mount.revoke(leases)
    expect(await denied()).toBeGreaterThan(first)
  })

  test('is gone only when AWS has said so twice, ten seconds apart, by name and in the list', async () => {
    await using under = await openAwsMount(moto)
    const lease = await under.mount.issue('creds/app')
    const [first] = await under.mount.revoke([lease])
    expect(first).toMatchObject({ kind: 'ended', waiting: expect.stringContaining('twice') })
    under.clock.pass(5)
    expect((await under.mount.revoke([lease]))[0]).toMatchObject({ kind: 'ended' })
    under.clock.pass(6)
    // It is still in the list.
    under.front.rule = ({ action }) => (action === 'ListUsers' ? listOf(lease.plan.name) : 'pass')
    expect((await under.mount.revoke([lease]))[0]).toMatchObject({ kind: 'ended' })
    under.front.rule = () => 'pass'
    expect(await under.mount.revoke([lease])).toEqual([{ kind: 'gone' }])
  })

  test('is found again when it was not known for a minute after its creation', async () => {
    await using under = await openAwsMount(moto)
    const lease = await under.mount.plan('creds/app')
    under.front.rule = ({ action }) => (action === 'CreateUser' ? 'lose' : 'pass')
    await expect(under.mount.perform(lease)).rejects.toMatchObject({ code: 'target_silent' })
    expect(under.front.actions()).toEqual(['CreateUser'])
    expect(await isThere(lease.plan.name)).toBe(true)
    under.front.rule = ({ action, fields }) => (action === 'GetUser' && fields.get('UserName') === lease.plan.name ? notFound : 'pass')
    for (const seconds of [0, 30, 29]) {
      under.clock.pass(seconds)
      expect((await under.mount.revoke([lease]))[0]).toMatchObject({ kind: 'ended', waiting: 'the user may still be created' })
    }
    under.clock.pass(40)
    // By name it is not there, and the list has it: that is no proof.
    expect((await under.mount.revoke([lease]))[0]).toMatchObject({ kind: 'ended' })
    under.front.rule = () => 'pass'
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

  test('that somebody made anew under its name is left alone', async () => {
    await using under = await openAwsMount(moto)
    const lease = await under.mount.issue('creds/app')
    const UserName = lease.plan.name
    for (const PolicyName of ['app', 'mayfly-expiry']) await moto.iam.send(new DeleteUserPolicyCommand({ UserName, PolicyName }))
    await moto.iam.send(new DeleteUserCommand({ UserName }))
    await moto.iam.send(new CreateUserCommand({ UserName }))
    expect((await under.mount.revoke([lease]))[0]).toMatchObject({ kind: 'failed' })
    await expect(under.mount.renew(lease, 3_600)).rejects.toThrow('not ours')
    expect(await isThere(UserName)).toBe(true)
    expect((await moto.policies(UserName)).size).toBe(0)
    await moto.iam.send(new DeleteUserCommand({ UserName }))
  })

  test('whose clean-up is refused has no access, and says what keeps it', async () => {
    await using under = await openAwsMount(moto)
    const lease = await under.mount.issue('creds/app')
    under.front.rule = ({ action }) =>
      action === 'DeleteUser' ? { status: 403, code: 'AccessDenied', message: 'not authorized to perform: iam:DeleteUser' } : 'pass'
    expect((await under.mount.revoke([lease]))[0]).toMatchObject({ kind: 'ended', waiting: expect.stringContaining('iam:DeleteUser') })
    expect(await moto.isUsable(keysOf(lease), under.clock.now())).toBe(false)
    under.front.rule = () => 'pass'
    expect(await revokedForGood(under, [lease])).toEqual([{ kind: 'gone' }])
  })

  test('cannot be ended with a root key that does not work, and no lease is charged', async () => {
    await using under = await openAwsMount(moto)
    const lease = await under.mount.issue('creds/app')
    under.front.rule = () => ({
      status: 403,
      code: 'InvalidClientTokenId',
      message: 'The security token included in the request is invalid.'
    })
    await expect(under.mount.revoke([lease])).rejects.toMatchObject({ code: 'target_refused' })
    under.front.rule = () => 'drop'
    await expect(under.mount.revoke([lease])).rejects.toBeInstanceOf(BrokerError)
  })

  test('at which alone AWS fails keeps no other waiting', async () => {
    await using under = await openAwsMount(moto)
    const leases = [await under.mount.issue('creds/app'), await under.mount.issue('creds/app'), await under.mount.issue('creds/app')]
    const odd = leases[1]!.plan.name
    under.front.rule = ({ action, fields }) =>
      action === 'ListAccessKeys' && fields.get('UserName') === odd ? { status: 500, code: 'ServiceFailure' } : 'pass'
    const [first, second, third] = await revokedForGood(under, leases)
    expect([first, third]).toEqual([{ kind: 'gone' }, { kind: 'gone' }])
    expect(second).toMatchObject({ kind: 'failed', error: { code: 'target_silent' } })
    under.front.rule = () => 'pass'
    expect(await revokedForGood(under, [leases[1]!])).toEqual([{ kind: 'gone' }])
  })

  test('waits where AWS takes no more calls, and none is lost', async () => {
    await using under = await openAwsMount(moto)
    under.front.rule = ({ count }) => (count % 3 === 0 ? throttled : 'pass')
    const leases = await Promise.all(Array.from({ length: 6 }, () => under.mount.issue('creds/app')))
    expect(await revokedForGood(under, leases)).toEqual(leases.map(() => ({ kind: 'gone' })))
    for (const lease of leases) expect(await isThere(lease.plan.name)).toBe(false)
  })

  test('is refused in the words of the wire, with what AWS says and 400', async () => {
    await using under = await openAwsMount(moto, { policy_arns: 'arn:aws:iam::123456789012:policy/nowhere' })
    await expect(under.mount.issue('creds/app')).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(/^Error attaching user policy: NoSuchEntity: /)
    })
    under.front.rule = () => ({ status: 409, code: 'LimitExceeded', message: 'Cannot exceed quota for UsersPerAccount: 5000' })
    await expect(under.mount.issue('creds/app')).rejects.toMatchObject({ code: 'quota_exceeded' })
  })

  test('tells when it was used last, as AWS does', async () => {
    await using under = await openAwsMount(moto)
    const lease = await under.mount.issue('creds/app')
    const observe = () => under.mount.credential(lease).observe!(lease.plan.target, [lease.handle], new AbortController().signal)
    expect(await observe()).toEqual([null])
    expect(await moto.caller(keysOf(lease))).toBeDefined()
    const [usage] = await observe()
    expect(Math.abs(usage!.lastSeen!.since(under.clock.now()).total('seconds'))).toBeLessThan(30)
    expect(usage!.from).toEqual([expect.stringContaining('sts')])
  })

  test('that nobody has a lease on any more is found by its mark, and ended by what was found', async () => {
    await using under = await openAwsMount(moto)
    const lease = await under.mount.issue('creds/app')
    // AWS lies, and the lease is over.
    under.front.rule = ({ action }) => (action === 'GetUser' ? notFound : action === 'ListUsers' ? listOf('somebody') : 'pass')
    expect(await revokedForGood(under, [lease])).toEqual([{ kind: 'gone' }])
    under.front.rule = () => 'pass'
    const found = (await under.mount.listed(lease)).find(({ name }) => name === lease.plan.name)
    expect(found).toMatchObject({ marked: 'ours', leasePart: lease.lease.split('/').at(-1), until: expect.anything() })
    expect(await revokedForGood(under, [under.mount.adopted(lease, found!)])).toEqual([{ kind: 'gone' }])
    expect(await isThere(lease.plan.name)).toBe(false)
  })

  test('of another broker is reported and not touched', async () => {
    await using under = await openAwsMount(moto)
    const lease = await under.mount.plan('creds/app')
    const theirs = `mayfly-x-app-${'0'.repeat(20)}`
    await moto.iam.send(new CreateUserCommand({ UserName: theirs, Path: '/mayfly-aaaaaaaaaaaa/' }))
    const ours = `mayfly-y-app-${'1'.repeat(20)}`
    // Our path, and no mark of ours.
    const made = await under.mount.issue('creds/app')
    const { Path } = (await moto.iam.send(new GetUserCommand({ UserName: made.plan.name }))).User!
    await moto.iam.send(new CreateUserCommand({ UserName: ours, Path: Path! }))
    const found = new Map((await under.mount.listed(lease)).map(one => [one.name, one]))
    expect(found.get(theirs)).toMatchObject({ marked: 'foreign' })
    expect(found.get(ours)).toMatchObject({ marked: 'missing' })
    expect(found.get(made.plan.name)).toMatchObject({ marked: 'ours' })
    for (const UserName of [theirs, ours]) await moto.iam.send(new DeleteUserCommand({ UserName }))
  })
})

/** A page of a list that has this user. */
function listOf(name: string) {
  return {
    status: 200,
    code: 'list',
    body: `<ListUsersResponse><ListUsersResult><IsTruncated>false</IsTruncated><Users><member><UserName>${name}</UserName><Path>/</Path><UserId>X</UserId><Arn>x</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></member></Users></ListUsersResult></ListUsersResponse>`
  }
}

/** Looks until it is gone or nothing changes any more; the clock is wound on to each next look. */
async function revokedForGood({ mount, clock }: AwsMount, leases: readonly TestLease[]): Promise<readonly RevokeOutcome[]> {
  let outcomes = await mount.revoke(leases)
  for (let looks = 0; looks < 8 && outcomes.some(({ kind }) => kind === 'ended' || kind === 'outlives'); looks++) {
    const agains = outcomes.map(outcome => ('again' in outcome ? outcome.again.since(clock.now()).total('seconds') : 0))
    clock.pass(Math.max(0, ...agains) + 0.01)
    outcomes = await mount.revoke(leases)
  }
  return outcomes
}

const keysOf = (lease: TestLease): AwsKeys => lease.secret!.reveal() as unknown as AwsKeys

/** How users of IAM end where AWS answers late, wrongly, or not at all. */
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
  ListVirtualMFADevicesCommand,
  PutUserPolicyCommand,
  UploadSSHPublicKeyCommand
} from '@aws-sdk/client-iam'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BrokerError } from '../../../src/contracts/index.ts'
import type { TestLease } from '../../contract/test-mount.ts'
import { missing } from '../../targets/missing.ts'
import type { MotoAccess } from '../../targets/moto-access.ts'
import { listOf, notFound, throttled } from '../../targets/moto-front.ts'
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

  test('ends although AWS takes two calls a second: what has begun is done to the end', async () => {
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

  test('is not cleaned up while one of another batch still has access', async () => {
    await using under = await openAwsMount(moto, {}, 4)
    const many: TestLease[] = []
    for (let users = 0; users < 6; users++) many.push(await under.mount.issue('creds/app'))
    const one = await under.mount.issue('creds/app')
    await under.mount.write('config/root', { ...under.written, calls_per_second: 2 })
    expect((await under.mount.revoke(many)).some(({ kind }) => kind === 'outlives')).toBe(true)
    const isDenied = async () => (await moto.policies(one.plan.name)).has('mayfly-deny')
    for (let turns = 0; turns < 4 && !(await isDenied()); turns++) await under.mount.revoke([one])
    expect(await isDenied()).toBe(true)
    const [waiting] = await under.mount.revoke([one])
    expect(waiting).toMatchObject({ kind: 'ended', waiting: expect.stringContaining('wait for their turn') })
    expect(under.front.actions()).not.toContain('DeleteAccessKey')
    for (let turns = 0; turns < 8; turns++) if (!(await under.mount.revoke(many)).some(({ kind }) => kind === 'outlives')) break
    await under.mount.revoke([one])
    for (let turns = 0; turns < 4 && (await isThere(one.plan.name)); turns++) await under.mount.revoke([one])
    expect(await isThere(one.plan.name)).toBe(false)
    // Where there are hardly calls enough to end it, none is made to look at its use.
    const looked = under.front.calls.filter(({ action }) => action === 'GetAccessKeyLastUsed')
    expect(looked.map(({ fields }) => fields.get('AccessKeyId'))).toEqual([keysOf(one).access_key])
  })

  test('whose own time is over before its turn is not told as one that is over and done', async () => {
    await using under = await openAwsMount(moto, { default_ttl: '1h' }, 4)
    const leases: TestLease[] = []
    for (let users = 0; users < 6; users++) leases.push(await under.mount.issue('creds/app'))
    await under.mount.write('config/root', { ...under.written, calls_per_second: 2 })
    under.clock.pass(2 * 3_600)
    const outcomes = await under.mount.revoke(leases)
    const waiting = outcomes.filter(outcome => 'waiting' in outcome && outcome.waiting.startsWith('over by its own policy'))
    expect(waiting.length).toBeGreaterThan(0)
    // The broker closes such a lease, and the user would stay for ever.
    expect(outcomes.filter(({ kind }) => kind === 'outlives' || kind === 'gone')).toEqual([])
    for (const { plan } of leases.slice(-1)) expect(await isThere(plan.name)).toBe(true)
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
    under.front.rule = ({ action }) => (action === 'ListUsers' ? listOf({ [lease.plan.name]: 'AIDAX' }) : 'pass')
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

  test('is identified with many others by one list, and by name where the list does not know it', async () => {
    await using under = await openAwsMount(moto)
    const leases = await Promise.all(Array.from({ length: 18 }, () => under.mount.issue('creds/app')))
    const [odd, unlisted] = [leases[0]!.plan.name, leases[1]!.plan.name]
    for (const PolicyName of ['app', 'mayfly-expiry']) await moto.iam.send(new DeleteUserPolicyCommand({ UserName: odd, PolicyName }))
    await moto.iam.send(new DeleteUserCommand({ UserName: odd }))
    await moto.iam.send(new CreateUserCommand({ UserName: odd }))
    const ids = leases.slice(2, 10).map(({ plan, handle }) => [plan.name, (handle as { userId: string }).userId])
    const listed = listOf(Object.fromEntries(ids))
    under.front.rule = ({ action, count }) => (action === 'ListUsers' && count === 1 ? listed : 'pass')
    under.front.calls.length = 0
    const [first, ...others] = await under.mount.revoke(leases)
    expect(first).toMatchObject({ kind: 'failed', error: { code: 'target_refused' } })
    expect(others).toEqual(others.map(() => expect.objectContaining({ kind: 'ended' })))
    const asked = under.front.calls.filter(({ action }) => action === 'GetUser').map(({ fields }) => fields.get('UserName'))
    expect(asked).toHaveLength(10)
    expect(asked).toEqual(expect.arrayContaining([odd, unlisted]))
    // There are calls enough for a last look at each key.
    expect(under.front.actions().filter(action => action === 'GetAccessKeyLastUsed')).toHaveLength(17)
    expect((await moto.policies(odd)).size).toBe(0)
    expect(await revokedForGood(under, leases.slice(1))).toEqual(others.map(() => ({ kind: 'gone' })))
    for (const { plan } of leases.slice(1)) expect(await isThere(plan.name)).toBe(false)
    await moto.iam.send(new DeleteUserCommand({ UserName: odd }))
  })

  test('is ended although AWS never answers with the list that would save calls', async () => {
    await using under = await openAwsMount(moto)
    const leases = await Promise.all(Array.from({ length: 18 }, () => under.mount.issue('creds/app')))
    under.front.rule = ({ action }) => (action === 'ListUsers' ? new Promise<never>(() => undefined) : 'pass')
    expect(await under.mount.revoke(leases)).toEqual(leases.map(() => expect.objectContaining({ kind: 'ended' })))
    for (const lease of leases) expect(await moto.caller(keysOf(lease))).toBeUndefined()
    under.front.rule = () => 'pass'
    expect(await revokedForGood(under, leases)).toEqual(leases.map(() => ({ kind: 'gone' })))
  })

  test('that AWS knows where it is asked for and not where it is ended may have access, and is denied when it is looked for again', async () => {
    await using under = await openAwsMount(moto)
    const lease = await under.mount.issue('creds/app')
    const refused: string[] = []
    under.front.rule = ({ action, fields }) => {
      const ends = action === 'ListAccessKeys' || action === 'UpdateAccessKey' || fields.get('PolicyName') === 'mayfly-deny'
      if (!ends || refused.includes(action)) return 'pass'
      refused.push(action)
      return notFound
    }
    const [first] = await under.mount.revoke([lease])
    expect(await moto.caller(keysOf(lease))).toBeDefined()
    expect(first).toMatchObject({ kind: 'outlives', why: 'AWS knows it in one place and not in another' })
    expect(refused).toHaveLength(3)
    expect(await revokedForGood(under, [lease])).toEqual([{ kind: 'gone' }])
    expect(await isThere(lease.plan.name)).toBe(false)
  })
})

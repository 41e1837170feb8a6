/** What of users of IAM is seen at AWS: whose they are, and whether they were used. */
import { CreateUserCommand, DeleteUserCommand, DeleteUserPolicyCommand, GetUserCommand } from '@aws-sdk/client-iam'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestLease } from '../../contract/test-mount.ts'
import { missing } from '../../targets/missing.ts'
import type { MotoAccess } from '../../targets/moto-access.ts'
import { listOf, notFound } from '../../targets/moto-front.ts'
import type { Call, Doing, Rule } from '../../targets/moto-front.ts'
import { motoMissing } from '../../targets/moto.ts'
import { sharedMoto } from '../../targets/moto-shared.ts'
import { keysOf, openAwsMount, revokedForGood } from './mount.ts'

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

  test('tells when it was used last though AWS does not tell of another, which is asked for again', async () => {
    await using under = await openAwsMount(moto)
    const leases = [await under.mount.issue('creds/app'), await under.mount.issue('creds/app'), await under.mount.issue('creds/app')]
    for (const lease of leases) expect(await moto.caller(keysOf(lease))).toBeDefined()
    const observe = () =>
      under.mount.credential(leases[0]!).observe!(
        leases[0]!.plan.target,
        leases.map(({ handle }) => handle),
        new AbortController().signal
      )
    for (const failing of [
      { status: 503, code: 'ServiceUnavailable' },
      { status: 403, code: 'AccessDenied' }
    ] as const) {
      under.front.rule = call => (isAbout(call, leases[1]!) ? failing : 'pass')
      expect((await observe()).map(usage => usage !== null)).toEqual([true, false, true])
      expect(under.warnings.at(-1)).toEqual([
        'AWS did not tell of some keys whether they were used: they are asked for again in the next round',
        { target: leases[0]!.plan.target, keys: 3, told: 2 }
      ])
    }
    under.front.rule = () => 'pass'
    expect((await observe()).map(usage => usage !== null)).toEqual([true, true, true])
    // Of none: then the target fails.
    under.front.rule = ({ action }) => (action === 'GetAccessKeyLastUsed' ? { status: 403, code: 'AccessDenied' } : 'pass')
    await expect(observe()).rejects.toMatchObject({ code: 'target_refused' })
  })

  test('that nobody has a lease on any more is found by its mark, and ended by what was found', async () => {
    await using under = await openAwsMount(moto)
    const lease = await under.mount.issue('creds/app')
    // AWS lies, and the lease is over.
    under.front.rule = ({ action }) => (action === 'GetUser' ? notFound : action === 'ListUsers' ? listOf({ somebody: 'AIDAX' }) : 'pass')
    expect(await revokedForGood(under, [lease])).toEqual([{ kind: 'gone' }])
    under.front.rule = () => 'pass'
    const found = (await under.mount.listed(lease)).find(({ name }) => name === lease.plan.name)
    expect(found).toMatchObject({ marked: 'ours', leasePart: lease.lease.split('/').at(-1), until: expect.anything() })
    expect(await revokedForGood(under, [under.mount.adopted(lease, found!)])).toEqual([{ kind: 'gone' }])
    expect(await isThere(lease.plan.name)).toBe(false)
  })

  test('on the last page of the list is found, and is not gone', async () => {
    await using under = await openAwsMount(moto)
    const lease = await under.mount.issue('creds/app')
    under.front.rule = pages('pass')
    const found = await under.mount.listed(lease)
    expect(found.find(({ name }) => name === lease.plan.name)).toMatchObject({ marked: 'ours' })
    under.front.rule = pages(listOf({ [lease.plan.name.toUpperCase()]: 'AIDAX' }))
    await under.mount.revoke([lease])
    under.clock.pass(11)
    expect((await under.mount.revoke([lease]))[0]).toMatchObject({ kind: 'ended' })
    under.front.rule = pages(listOf({ carla: 'AIDAC' }))
    expect(await under.mount.revoke([lease])).toEqual([{ kind: 'gone' }])
    const asked = under.front.calls.filter(({ action }) => action === 'ListUsers')
    expect(asked.map(({ fields }) => fields.get('MaxItems'))).toEqual(asked.map(() => '1000'))
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

const isAbout = ({ action, fields }: Call, lease: TestLease): boolean =>
  action === 'GetAccessKeyLastUsed' && fields.get('AccessKeyId') === keysOf(lease).access_key

/** A list of three pages, of which the last is given. */
function pages(last: Doing): Rule {
  return ({ action, fields }) => {
    if (action !== 'ListUsers') return 'pass'
    if (!fields.has('Marker')) return listOf({ anna: 'AIDAA' }, 'two')
    return fields.get('Marker') === 'two' ? listOf({ bert: 'AIDAB' }, 'three') : last
  }
}

/** What AWS's no makes of a rotation of the root's key: it ends where no key was made, and the old one stays; what is on its way for good goes on. */
import { CreateAccessKeyCommand, DeleteAccessKeyCommand, ListAccessKeysCommand } from '@aws-sdk/client-iam'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/contracts/index.ts'
import { missing } from '../../targets/missing.ts'
import type { MotoAccess } from '../../targets/moto-access.ts'
import type { Doing } from '../../targets/moto-front.ts'
import { motoMissing } from '../../targets/moto.ts'
import { sharedMoto } from '../../targets/moto-shared.ts'
import { openAwsMount } from './mount.ts'
import type { AwsMount } from './mount.ts'

const denied: Doing = { status: 403, code: 'AccessDenied', message: 'User mayfly is not authorized to perform this' }

const rotate = ({ mount }: AwsMount) => mount.write('config/rotate-root', {}) as Promise<{ data: { access_key: string } }>
const shown = async ({ mount }: AwsMount) => ((await mount.read('config/root')) as { data: JsonObject }).data

/** What AWS has heard of by then: a key is in its list some seconds after it was made, and until then it does not know it. */
function late(under: AwsMount, ...hidden: readonly string[]): void {
  const [user, old] = [under.root.name, under.root.access_key]
  const member = `<member><UserName>${user}</UserName><AccessKeyId>${old}</AccessKeyId><Status>Active</Status><CreateDate>2026-01-01T00:00:00Z</CreateDate></member>`
  const body = `<ListAccessKeysResponse><ListAccessKeysResult><IsTruncated>false</IsTruncated><AccessKeyMetadata>${member}</AccessKeyMetadata></ListAccessKeysResult></ListAccessKeysResponse>`
  const { rule } = under.front
  under.front.rule = call => {
    if (call.action === 'ListAccessKeys') return { status: 200, code: 'list', body }
    if (hidden.includes(call.fields.get('AccessKeyId') ?? '')) return { status: 404, code: 'NoSuchEntity' }
    return rule(call)
  }
}

describe.skipIf(missing(motoMissing()))('a rotation of the root that AWS refuses', () => {
  let moto: MotoAccess

  beforeAll(async () => {
    moto = await sharedMoto()
  })
  afterAll(() => moto.dispose())

  const keysOf = async ({ root }: AwsMount) =>
    ((await moto.iam.send(new ListAccessKeysCommand({ UserName: root.name }))).AccessKeyMetadata ?? []).map(
      ({ AccessKeyId }) => AccessKeyId!
    )

  test.each(['AccessDenied', 'LimitExceeded', 'NoSuchEntity'])('%s for the new key ends it, and says why', async code => {
    await using under = await openAwsMount(moto)
    under.front.rule = ({ action }) => (action === 'CreateAccessKey' ? { status: 409, code, message: 'as AWS has it' } : 'pass')
    await expect(rotate(under)).rejects.toMatchObject({
      code: 'invalid_request',
      message: `Error rotating root credentials: ${code}: as AWS has it`
    })
    expect(await shown(under)).not.toHaveProperty('rotation')
    await under.mount.runTasks()
    expect(under.front.actions().filter(action => action === 'CreateAccessKey')).toHaveLength(1)
    under.front.rule = () => 'pass'
    const { data } = await rotate(under)
    await under.mount.runTasks()
    expect(await keysOf(under)).toEqual([data.access_key])
  })

  test('a key that somebody makes just then is not taken for one of ours', async () => {
    await using under = await openAwsMount(moto)
    under.front.rule = async ({ action, count }): Promise<Doing> => {
      // The request has looked, and the rotation is about to.
      if (action === 'ListAccessKeys' && count === 2) await moto.iam.send(new CreateAccessKeyCommand({ UserName: under.root.name }))
      return 'pass'
    }
    await expect(rotate(under)).rejects.toThrow('Error rotating root credentials: user')
    expect(await keysOf(under)).toHaveLength(2)
  })

  test('where a key may have been made that nobody knows, a refusal ends nothing until AWS would list it', async () => {
    await using under = await openAwsMount(moto)
    under.front.rule = ({ action }) => (action === 'CreateAccessKey' ? 'lose' : 'pass')
    await expect(rotate(under)).rejects.toThrow('it goes on in the background')
    under.front.rule = ({ action }) => (action === 'CreateAccessKey' ? denied : 'pass')
    await expect(rotate(under)).rejects.toThrow('it goes on in the background: AccessDenied')
    await under.mount.reopen()
    await expect(under.mount.runTasks()).rejects.toThrow('AccessDenied')
    expect(await keysOf(under)).toEqual([under.root.access_key])
    under.clock.pass(11 * 60)
    await under.mount.runTasks()
    expect(await shown(under)).not.toHaveProperty('rotation')
    expect(under.front.actions().filter(action => action === 'CreateAccessKey')).toHaveLength(4)
  })

  test('a new key that somebody deletes before it counts is not waited for', async () => {
    await using under = await openAwsMount(moto, {}, 20)
    let isTaken = false
    under.front.rule = ({ action }) => {
      if (action === 'CreateAccessKey') isTaken = true
      return isTaken && action === 'GetCallerIdentity' ? { status: 403, code: 'InvalidClientTokenId' } : 'pass'
    }
    await expect(rotate(under)).rejects.toThrow('AWS does not take the new key yet')
    const made = (await keysOf(under)).find(key => key !== under.root.access_key)!
    await moto.iam.send(new DeleteAccessKeyCommand({ UserName: under.root.name, AccessKeyId: made }))
    under.clock.pass(11 * 60)
    await expect(rotate(under)).rejects.toThrow(`Error rotating root credentials: the new key ${made} is not there any more`)
    under.front.rule = () => 'pass'
    expect((await rotate(under)).data.access_key).not.toBe(under.root.access_key)
  })

  test('an old key that may not be deleted is tried again for ever, and who asks for the next rotation hears why it has to wait', async () => {
    await using under = await openAwsMount(moto)
    await rotate(under)
    under.front.rule = ({ action }) => (action === 'DeleteAccessKey' ? denied : 'pass')
    for (let runs = 0; runs < 3; runs++) await under.mount.runTasks()
    expect(under.alarms).toEqual(['the old key of a root rotation could not be deleted'])
    await expect(rotate(under)).rejects.toThrow(
      `the old key ${under.root.access_key} is still there, and deleting it is tried again: AccessDenied: User mayfly is not authorized to perform this`
    )
    under.front.rule = () => 'pass'
    await under.mount.runTasks()
    expect(await keysOf(under)).toHaveLength(1)
  })

  test('a new key that AWS does not list yet is not taken for one that somebody has deleted', async () => {
    await using under = await openAwsMount(moto, {}, 20)
    let isTaken = false
    under.front.rule = ({ action }) => {
      if (action === 'CreateAccessKey') isTaken = true
      return isTaken && action === 'GetCallerIdentity' ? { status: 403, code: 'InvalidClientTokenId' } : 'pass'
    }
    await expect(rotate(under)).rejects.toThrow('AWS does not take the new key yet')
    const made = (await keysOf(under)).find(key => key !== under.root.access_key)!
    late(under, made)
    await expect(rotate(under)).rejects.toThrow('AWS does not take the new key yet')
    under.front.rule = () => 'pass'
    expect((await rotate(under)).data.access_key).toBe(made)
  })

  test('what was asked for a moment ago counts, not when the rotation was begun', async () => {
    await using under = await openAwsMount(moto)
    under.front.rule = ({ action }) => (action === 'CreateAccessKey' ? 'drop' : 'pass')
    await expect(rotate(under)).rejects.toThrow('it goes on in the background')
    under.clock.pass(11 * 60)
    under.front.rule = ({ action }) => (action === 'CreateAccessKey' ? 'lose' : 'pass')
    await expect(rotate(under)).rejects.toThrow('it goes on in the background')
    under.front.rule = ({ action }) => (action === 'CreateAccessKey' ? denied : 'pass')
    late(under)
    await expect(rotate(under)).rejects.toThrow('it goes on in the background: AccessDenied')
    // Now it is listed, and goes.
    under.front.rule = ({ action }) => (action === 'CreateAccessKey' ? denied : 'pass')
    await expect(rotate(under)).rejects.toThrow('it goes on in the background: AccessDenied')
    expect(await keysOf(under)).toEqual([under.root.access_key])
  })
})

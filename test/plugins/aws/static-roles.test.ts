/** Static roles of AWS: one existing user, whose access key changes on a clock. */
import { randomBytes } from 'node:crypto'
import { CreateAccessKeyCommand, CreateUserCommand, DeleteUserCommand, ListAccessKeysCommand, TagUserCommand } from '@aws-sdk/client-iam'
import { describe, expect, test } from 'vitest'
import { dataOf } from '../../broker/small-broker.ts'
import { missing } from '../../targets/missing.ts'
import { motoMissing } from '../../targets/moto.ts'
import { awsStand } from './stand.ts'
import type { AwsStand } from './stand.ts'

describe.skipIf(missing(motoMissing()))('static roles of AWS', () => {
  test('take a user over with a new key at once, and end the older of two that it had', async () => {
    await using stand = await awsStand()
    const username = await newUser(stand)
    const [older, newer] = [await newKey(stand, username), await newKey(stand, username)]
    const reply = await stand.during(stand.write('aws/static-roles/app', { username, rotation_period: '1h' }))
    expect(dataOf(reply)).toEqual({ name: 'app', id: expect.stringMatching(/^AIDA|^\w{16,}$/), username, rotation_period: 3_600 })
    expect(reply.warnings).toEqual([`the older of the two keys that the user had was ended: ${older}`])
    const made = await stand.read('aws/static-creds/app')
    expect(Object.keys(made)).toEqual(['access_key', 'secret_key'])
    expect(await stand.moto.caller(made)).toContain(`user/${username}`)
    expect(new Set(await keysOf(stand, username))).toEqual(new Set([newer, made.access_key]))
  })

  test('the key before works until the next rotation, and the user never has a third', async () => {
    await using stand = await awsStand()
    const username = await newUser(stand)
    await stand.during(stand.write('aws/static-roles/app', { username, rotation_period: '1h' }))
    const seen = [await stand.read('aws/static-creds/app')]
    for (let rotations = 0; rotations < 3; rotations++) {
      await stand.clock.leap('PT1H', 60_000)
      await stand.until(async () => (await stand.read('aws/static-creds/app')).access_key !== seen.at(-1).access_key)
      seen.push(await stand.read('aws/static-creds/app'))
      expect(new Set(await keysOf(stand, username))).toEqual(new Set(seen.slice(-2).map(({ access_key }) => access_key)))
      expect(await stand.moto.caller(seen.at(-2))).toContain(username)
    }
    expect(await stand.moto.caller(seen[0])).toBeUndefined()
  })

  test('a key whose making nobody could record is ended, and another takes its place', async () => {
    let lost = false
    await using stand = await awsStand({
      at: async point => {
        if (point !== 'task:after-run' || lost) return
        lost = true
        throw new Error('the answer is lost')
      }
    })
    const username = await newUser(stand)
    await stand.during(stand.write('aws/static-roles/app', { username, rotation_period: '1h' }))
    expect(lost).toBe(true)
    const made = await stand.until(() => stand.read('aws/static-creds/app').catch(() => undefined))
    expect(await keysOf(stand, username)).toEqual([made.access_key])
  })

  test('with the role its keys are gone, and the user stays', async () => {
    await using stand = await awsStand()
    const username = await newUser(stand)
    const theirs = await newKey(stand, username)
    await stand.during(stand.write('aws/static-roles/app', { username, rotation_period: '60' }))
    await stand.ask('delete', 'aws/static-roles/app')
    await stand.until(async () => (await keysOf(stand, username)).length === 1)
    expect(await keysOf(stand, username)).toEqual([theirs])
    await expect(stand.read('aws/static-creds/app')).rejects.toMatchObject({ code: 'nothing_there' })
    expect((await stand.during(stand.write('aws/static-roles/other', { username, rotation_period: '60' }))).data).toMatchObject({
      username
    })
  })

  test('what cannot be a static role is refused with the field named', async () => {
    await using stand = await awsStand()
    const username = await newUser(stand)
    const write = (fields: object, name = 'app') =>
      stand.during(stand.write(`aws/static-roles/${name}`, { rotation_period: '1h', ...fields }))
    await expect(write({})).rejects.toThrow('missing "username" parameter')
    await expect(stand.write('aws/static-roles/app', { username })).rejects.toThrow('missing "rotation_period" parameter')
    await expect(write({ username, rotation_period: 59 })).rejects.toThrow(
      'role rotation period out of range: must be greater than 60.00 seconds'
    )
    await expect(write({ username: 'nobody-here' })).rejects.toThrow('unable to validate username "nobody-here": AWS has no such user')
    await expect(write({ username: 'a b' })).rejects.toThrow('unable to validate username "a b": not the name')
    await expect(write({ username: stand.rootName })).rejects.toThrow('it is the user of config/root')
    await write({ username })
    await expect(write({ username }, 'second')).rejects.toThrow('static role "app" has it')
    await expect(write({ username: username.toUpperCase() }, 'third')).rejects.toThrow(/static role "app" has it|AWS has no such user/)
    await expect(write({ username: 'other' })).rejects.toThrow('username: cannot be changed')
  })

  test('a user is the static role of one mount only, until its role is deleted', async () => {
    await using stand = await awsStand()
    const username = await newUser(stand)
    const [{ name: _, ...root }, { endpoint }] = [await stand.moto.newRoot(), stand.moto.address]
    await stand.write('sys/mounts/other', { type: 'aws' })
    await stand.write('other/config/root', { ...root, iam_endpoint: endpoint, sts_endpoint: endpoint })
    const write = (mount: string) => stand.during(stand.write(`${mount}/static-roles/app`, { username, rotation_period: '60' }))
    await write('aws')
    const { access_key } = await stand.read('aws/static-creds/app')
    await expect(write('other')).rejects.toThrow('it is tagged as the user of a static role of another mount')
    expect(await keysOf(stand, username)).toEqual([access_key])
    await stand.ask('delete', 'aws/static-roles/app')
    await stand.until(() => write('other').catch(() => undefined))
    expect(await keysOf(stand, username)).toEqual([(await stand.read('other/static-creds/app')).access_key])
  })

  test('where two mounts took a user at the same time, the one that has not got it touches no key of it', async () => {
    await using stand = await awsStand()
    const username = await newUser(stand)
    await stand.during(stand.write('aws/static-roles/app', { username, rotation_period: '60' }))
    const theirs = await newKey(stand, username)
    const Tags = [{ Key: 'mayfly:static-role-of', Value: 'another' }]
    await stand.moto.iam.send(new TagUserCommand({ UserName: username, Tags }))
    await stand.clock.advance('PT2M')
    const told = async () => (await stand.store.auditLines(0, 10_000)).map(({ line }) => line).join()
    await stand.until(async () => (await told()).includes('is the user of a static role of another mount'))
    await stand.ask('delete', 'aws/static-roles/app')
    await stand.until(async () => (await keysOf(stand, username)).length === 1)
    expect(await keysOf(stand, username)).toEqual([theirs])
  })

  test('a user that somebody made anew under the name is not touched', async () => {
    await using stand = await awsStand()
    const username = await newUser(stand)
    await stand.during(stand.write('aws/static-roles/app', { username, rotation_period: '60' }))
    await stand.moto.iam.send(new DeleteUserCommand({ UserName: username }))
    await stand.moto.iam.send(new CreateUserCommand({ UserName: username }))
    const theirs = await newKey(stand, username)
    await stand.clock.advance('PT2M')
    const told = async () => (await stand.store.auditLines(0, 10_000)).map(({ line }) => line).join()
    await stand.until(async () => (await told()).includes('is another one than this role was written for'))
    expect(await keysOf(stand, username)).toEqual([theirs])
  })
})

async function newUser(stand: AwsStand): Promise<string> {
  const UserName = `static-${randomBytes(6).toString('hex')}`
  await stand.moto.iam.send(new CreateUserCommand({ UserName }))
  return UserName
}

async function newKey(stand: AwsStand, UserName: string): Promise<string> {
  const { AccessKey } = await stand.moto.iam.send(new CreateAccessKeyCommand({ UserName }))
  // moto tells whole seconds of when a key was made, and keeps them in their order.
  return AccessKey!.AccessKeyId!
}

async function keysOf(stand: AwsStand, UserName: string): Promise<readonly string[]> {
  const { AccessKeyMetadata = [] } = await stand.moto.iam.send(new ListAccessKeysCommand({ UserName }))
  return AccessKeyMetadata.map(({ AccessKeyId }) => AccessKeyId!).toSorted()
}

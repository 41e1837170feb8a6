/** A static role through every lost answer: one of its keys always works, and the user never has a third, nor one that nobody knows. */
import { randomBytes } from 'node:crypto'
import { CreateUserCommand, ListAccessKeysCommand } from '@aws-sdk/client-iam'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing } from '../../targets/missing.ts'
import type { MotoAccess } from '../../targets/moto-access.ts'
import { motoMissing } from '../../targets/moto.ts'
import { sharedMoto } from '../../targets/moto-shared.ts'
import { openAwsMount } from './mount.ts'
import type { AwsMount } from './mount.ts'

const periodSeconds = 3_600
// More than a rotation makes.
const callsMax = 10

describe.skipIf(missing(motoMissing()))('a static role', () => {
  let moto: MotoAccess

  beforeAll(async () => {
    moto = await sharedMoto()
  })
  afterAll(() => moto.dispose())

  test.for(['lose', 'drop'] as const)('rotates through any one call whose answer does not come (%s)', async what => {
    await using under = await openAwsMount(moto)
    const username = await newUser(moto)
    await under.mount.write('static-roles/app', { username, rotation_period: periodSeconds })
    let made = 0
    for (let at = 1; at <= callsMax; at++) {
      const before = await credsOf(under)
      under.clock.pass(periodSeconds + 1)
      const from = under.front.calls.length
      under.front.rule = () => (under.front.calls.length - from === at ? what : 'pass')
      await untilRotated(under, before.access_key, async () => {
        const kept = await credsOf(under)
        expect(await moto.caller(kept), `a key that works at call ${at}`).toContain(username)
        expect((await keysOf(moto, username)).length).toBeLessThanOrEqual(2)
      })
      const keys = await keysOf(moto, username)
      expect(keys).toContain((await credsOf(under)).access_key)
      expect(keys.length).toBeLessThanOrEqual(2)
      made += under.front
        .actions()
        .slice(from)
        .filter(action => action === 'CreateAccessKey').length
    }
    // At the call that makes the key its answer was lost, and it was made once more.
    expect(made).toBeGreaterThan(callsMax)
  })

  test('that is deleted while a key is being made leaves none', async () => {
    await using under = await openAwsMount(moto)
    const username = await newUser(moto)
    under.front.rule = ({ action }) => (action === 'CreateAccessKey' ? 'lose' : 'pass')
    await under.mount.write('static-roles/app', { username, rotation_period: periodSeconds })
    expect(await keysOf(moto, username)).toHaveLength(1)
    under.front.rule = () => 'pass'
    await under.mount.delete('static-roles/app')
    await under.mount.runTasks()
    expect(await keysOf(moto, username)).toEqual([])
    under.clock.pass(91)
    await under.mount.runTasks()
    expect(under.mount.rows.tasks).toEqual([])
    expect(await under.mount.rows.list('static-')).toEqual([])
  })
})

/** As the sweeper: what fails runs again. */
async function untilRotated(under: AwsMount, before: string, look: () => Promise<void>): Promise<void> {
  for (let runs = 0; runs < 10; runs++) {
    await under.mount.runTasks().catch(() => undefined)
    await look()
    if ((await credsOf(under)).access_key !== before) return
  }
  throw new Error('it never rotated')
}

async function credsOf(under: AwsMount): Promise<{ access_key: string; secret_key: string }> {
  const answer = await under.mount.read('static-creds/app')
  if (!answer || !('data' in answer)) throw new Error('no credential')
  return answer.data as { access_key: string; secret_key: string }
}

async function newUser(moto: MotoAccess): Promise<string> {
  const UserName = `static-${randomBytes(6).toString('hex')}`
  await moto.iam.send(new CreateUserCommand({ UserName }))
  return UserName
}

async function keysOf(moto: MotoAccess, UserName: string): Promise<readonly string[]> {
  const { AccessKeyMetadata = [] } = await moto.iam.send(new ListAccessKeysCommand({ UserName }))
  return AccessKeyMetadata.map(({ AccessKeyId }) => AccessKeyId!)
}

/** Users of IAM on a moto that checks keys: the contract of every backend, and what only this one has. */
import { CreateUserCommand, DeleteUserCommand, GetUserCommand } from '@aws-sdk/client-iam'
import { afterAll, beforeAll, describe } from 'vitest'
import { plugin } from '../../../plugins/aws/index.ts'
import type { JsonObject } from '../../../src/contracts/index.ts'
import { systemClock, systemRandom } from '../../../src/system-clock.ts'
import { backendContract } from '../../contract/backend-contract.ts'
import type { BackendUnderTest, Session } from '../../contract/backend-contract.ts'
import { TestMount } from '../../contract/test-mount.ts'
import { missing } from '../../targets/missing.ts'
import type { AwsKeys, MotoAccess } from '../../targets/moto-access.ts'
import { motoMissing } from '../../targets/moto.ts'
import { sharedMoto } from '../../targets/moto-shared.ts'

describe.skipIf(missing(motoMissing()))('with moto', () => {
  let moto: MotoAccess

  beforeAll(async () => {
    moto = await sharedMoto()
  })
  afterAll(() => moto.dispose())

  async function openUsers(): Promise<BackendUnderTest> {
    const { endpoint } = moto.address
    const mount = await TestMount.open(plugin.backends![0]!, { clock: systemClock, random: systemRandom, targetEndpoints: [endpoint] })
    const { access_key, secret_key } = await moto.newRoot()
    await mount.write('config/root', { access_key, secret_key, iam_endpoint: endpoint, sts_endpoint: endpoint, calls_per_second: 1_000 })
    await mount.write('roles/app', { credential_type: 'iam_user', policy_document: everything })
    // What AWS's clock would say; only ever later than the true time.
    let awsTime = systemClock.now()
    const now = () => (Temporal.Instant.compare(awsTime, systemClock.now()) > 0 ? awsTime : systemClock.now())
    return {
      mount,
      creds: 'creds/app',
      login: secret => session(secret, now),
      pass: async instant => void (awsTime = instant.add({ seconds: 31 })),
      occupy,
      [Symbol.asyncDispose]: () => mount[Symbol.asyncDispose]()
    }
  }

  async function session(secret: JsonObject, now: () => Temporal.Instant): Promise<Session | undefined> {
    const keys = secret as unknown as AwsKeys
    const isOpen = () => moto.isUsable(keys, now())
    return (await isOpen()) ? { isOpen, [Symbol.asyncDispose]: async () => {} } : undefined
  }

  async function occupy(name: string) {
    await moto.iam.send(new CreateUserCommand({ UserName: name, Path: '/theirs/' }))
    return {
      isUntouched: async () => (await moto.iam.send(new GetUserCommand({ UserName: name }))).User?.Path === '/theirs/',
      [Symbol.asyncDispose]: async () => void (await moto.iam.send(new DeleteUserCommand({ UserName: name })))
    }
  }

  backendContract('the AWS engine with users of IAM', openUsers)
})

const everything = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] })

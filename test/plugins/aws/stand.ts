/** The AWS engine on the whole broker, over a moto that checks keys and policies. Its clock is wound by the test from the true time on: what STS says of an end is true time. */
import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { CreateRoleCommand, PutRolePolicyCommand } from '@aws-sdk/client-iam'
import { plugin } from '../../../plugins/aws/index.ts'
import type { JsonObject } from '../../../src/contracts/index.ts'
import { dataOf, smallBroker } from '../../broker/small-broker.ts'
import type { SmallBroker, SmallBrokerOptions } from '../../broker/small-broker.ts'
import { TestClock } from '../../sim/test-clock.ts'
import type { MotoAccess } from '../../targets/moto-access.ts'
import { sharedMoto } from '../../targets/moto-shared.ts'

export interface AwsStand extends SmallBroker {
  readonly moto: MotoAccess
  /** The user that the broker is. */
  readonly rootName: string
  /** A role of IAM that the broker may assume, and what it may do; its ARN. */
  newRole(name?: string): Promise<string>
  write(path: string, data?: JsonObject): Promise<any>
  read(path: string, data?: JsonObject): Promise<any>
  /** What is asked for is there in the end; others work in real time. */
  until<T>(look: () => Promise<T | undefined | false>): Promise<T>
  /** What waits for the clock as well as for moto. */
  during<T>(work: Promise<T>): Promise<T>
}

const anybody = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' }] }
const everything = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] }
const patienceMs = 15_000

export async function awsStand(options: Pick<SmallBrokerOptions, 'at'> = {}): Promise<AwsStand> {
  const moto = await sharedMoto()
  const { endpoint } = moto.address
  const { name: rootName, ...root } = await moto.newRoot()
  const broker = await smallBroker({
    ...options,
    backends: plugin.backends!,
    targetEndpoints: [endpoint],
    clock: new TestClock(Temporal.Now.instant().toString())
  })
  await broker.ask('write', 'sys/mounts/aws', { type: 'aws' })
  await broker.ask('write', 'aws/config/root', { ...root, iam_endpoint: endpoint, sts_endpoint: endpoint })
  const until = async <T>(look: () => Promise<T | undefined | false>): Promise<T> => {
    for (let waited = 0; waited < patienceMs; waited += 50) {
      const seen = await look()
      if (seen !== undefined && seen !== false) return seen
      await broker.clock.advance(50)
      await wait(20)
    }
    throw new Error(`waited in vain for ${look.toString()}`)
  }
  return Object.assign(broker, {
    moto,
    rootName,
    async newRole(name = `role-${randomBytes(6).toString('hex')}`) {
      const { Role } = await moto.iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: JSON.stringify(anybody) }))
      await moto.iam.send(new PutRolePolicyCommand({ RoleName: name, PolicyName: 'all', PolicyDocument: JSON.stringify(everything) }))
      return Role!.Arn!
    },
    write: (path: string, data: JsonObject = {}) => broker.ask('write', path, data),
    read: async (path: string, data: JsonObject = {}) => dataOf(await broker.ask('read', path, data)),
    until,
    async during<T>(work: Promise<T>): Promise<T> {
      let done = false
      const ended = work.then(
        () => (done = true),
        () => (done = true)
      )
      await until(async () => done)
      await ended
      return await work
    }
  })
}

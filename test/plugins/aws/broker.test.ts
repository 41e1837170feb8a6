/** Users of IAM on the whole broker: their leases, their use, their end. The clock is wound by the test, and AWS's with it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { setTimeout as wait } from 'node:timers/promises'
import { plugin } from '../../../plugins/aws/index.ts'
import { dataOf, smallBroker } from '../../broker/small-broker.ts'
import type { SmallBroker } from '../../broker/small-broker.ts'
import { TestClock } from '../../sim/test-clock.ts'
import { missing } from '../../targets/missing.ts'
import type { AwsKeys, MotoAccess } from '../../targets/moto-access.ts'
import { MotoFront } from '../../targets/moto-front.ts'
import { motoMissing } from '../../targets/moto.ts'
import { sharedMoto } from '../../targets/moto-shared.ts'
import { everything } from './mount.ts'

describe.skipIf(missing(motoMissing()))('users of IAM', () => {
  let moto: MotoAccess

  beforeAll(async () => {
    moto = await sharedMoto()
  })
  afterAll(() => moto.dispose())

  async function openBroker(): Promise<{ broker: SmallBroker; front: MotoFront } & AsyncDisposable> {
    await using owned = new AsyncDisposableStack()
    const front = owned.use(await MotoFront.start(moto.address.endpoint))
    const { endpoint } = front
    const clock = new TestClock(Temporal.Now.instant().toString())
    front.now = () => clock.now()
    const broker = owned.use(await smallBroker({ backends: plugin.backends!, targetEndpoints: [endpoint], clock }))
    const { access_key, secret_key } = await moto.newRoot()
    await broker.ask('write', 'sys/mounts/aws', { type: 'aws' })
    await broker.ask('write', 'aws/config/root', {
      access_key,
      secret_key,
      iam_endpoint: endpoint,
      sts_endpoint: endpoint,
      calls_per_second: 1_000
    })
    await broker.ask('write', 'aws/config/lease', { lease: '1h', lease_max: '2h' })
    await broker.ask('write', 'aws/roles/app', { credential_type: 'iam_user', policy_document: everything })
    const moved = owned.move()
    return { broker, front, [Symbol.asyncDispose]: () => moved.disposeAsync() }
  }

  const isThere = async (name: string) => (await moto.users('/mayfly-')).some(({ UserName }) => UserName === name)

  test('have a lease that names user, account and key in clear, and no secret', async () => {
    await using stand = await openBroker()
    const { broker } = stand
    const reply = await broker.ask('read', 'aws/creds/app')
    const data = dataOf(reply)
    expect(Object.keys(data).toSorted()).toEqual(['access_key', 'secret_key', 'security_token', 'session_token'])
    expect(reply.lease).toMatchObject({ renewable: true, seconds: 3_600 })
    expect(await moto.caller(keysOf(data))).toContain('/mayfly-')
    const { holdings } = dataOf(await broker.ask('read', 'sys/holdings', { id: reply.lease!.id }))
    expect(holdings[0].visible).toEqual({
      username: expect.stringMatching(/^mayfly-/),
      account: '123456789012',
      access_key: data.access_key
    })
    expect(holdings[0].guarantees).toMatchObject({ revocable: 'eventually', diesByItself: true, listable: true, observable: 'sampled' })
    expect(JSON.stringify(holdings)).not.toContain(data.secret_key)
    expect(broker.log.join('\n')).not.toContain(data.secret_key)
  })

  test('are renewed at AWS before their lease moves, and end when it does', async () => {
    await using stand = await openBroker()
    const { broker } = stand
    const reply = await broker.ask('read', 'aws/creds/app')
    const { username } = dataOf(await broker.ask('read', 'sys/holdings', { id: reply.lease!.id })).holdings[0].visible
    await broker.clock.advance('PT30M')
    await broker.ask('write', 'sys/leases/renew', { lease_id: reply.lease!.id, increment: 3_600 })
    const policy = (await moto.policies(username)).get('mayfly-expiry')!
    const deadline = Temporal.Instant.from(policy.Statement[0]!.Condition!.DateGreaterThan!['aws:CurrentTime']!)
    expect(Math.abs(deadline.since(broker.clock.now()).total('seconds') - 3_630)).toBeLessThan(5)
    await broker.clock.advance('PT59M')
    expect(await isThere(username)).toBe(true)
    await broker.clock.advance('PT1M')
    await until(broker.clock, async () => !(await isThere(username)))
    expect(await moto.caller(keysOf(dataOf(reply)))).toBeUndefined()
  })

  test('are revoked while the caller waits, after a last look at whether they were used', async () => {
    await using stand = await openBroker()
    const { broker } = stand
    const reply = await broker.ask('read', 'aws/creds/app')
    await moto.caller(keysOf(dataOf(reply)))
    await broker.ask('write', 'sys/leases/revoke', { lease_id: reply.lease!.id })
    expect(await moto.caller(keysOf(dataOf(reply)))).toBeUndefined()
    const ended = dataOf(await broker.ask('read', 'sys/holdings', { id: reply.lease!.id })).holdings[0]
    expect(ended.ended_time).not.toBeNull()
    // Nobody has looked before: AWS was asked once more before the key was gone.
    expect(ended).toMatchObject({ last_seen: expect.any(String), seen_from: [expect.stringContaining('sts')] })
    await until(broker.clock, async () => {
      const { holdings } = dataOf(await broker.ask('read', 'sys/holdings', { id: reply.lease!.id }))
      return holdings[0].revoked_time !== null
    })
  })

  test('are seen to be used, and their root to answer', async () => {
    await using stand = await openBroker()
    const { broker } = stand
    const reply = await broker.ask('read', 'aws/creds/app')
    await moto.caller(keysOf(dataOf(reply)))
    const isSeen = async () => {
      const { holdings } = dataOf(await broker.ask('read', 'sys/holdings', { id: reply.lease!.id }))
      return holdings[0].last_seen !== null
    }
    // Wound until AWS is asked and slowly from then on: a call has ten seconds, and they are the clock's.
    while (!stand.front.actions().includes('GetAccessKeyLastUsed')) {
      await broker.clock.advance('PT2S')
      await wait(40)
    }
    await until(broker.clock, isSeen)
    const { holdings } = dataOf(await broker.ask('read', 'sys/holdings', { id: reply.lease!.id }))
    expect(holdings[0].seen_from).toEqual([expect.stringContaining('sts')])
    // A call that was under way when the clock was wound has had no answer in time.
    await until(broker.clock, async () => dataOf(await broker.ask('read', 'aws/config/root')).health.state === 'answers')
    expect(dataOf(await broker.ask('read', 'aws/config/root')).health).toMatchObject({ circuit: 'closed' })
  })
})

/** moto answers in its own time, and the limits of calls are in the clock's. */
async function until(clock: TestClock, look: () => Promise<boolean>): Promise<void> {
  for (let looks = 0; looks < 1_000; looks++) {
    if (await look()) return
    await clock.advance(40)
    await wait(40)
  }
  throw new Error(`waited in vain for ${look.toString()}`)
}

function keysOf(data: { readonly access_key: string; readonly secret_key: string }): AwsKeys {
  return { access_key: data.access_key, secret_key: data.secret_key }
}

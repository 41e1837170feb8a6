/** Row 32: what is left of a lease's maximum in its last seconds. */
import { expect, test } from 'vitest'
import { usersOf } from '../../plugins/memory/target.ts'
import { dataOf, lease, smallBroker, withUsers } from '../broker/small-broker.ts'

test.each([1_500, 1_000, 900, 100, 1, 0])(
  'a renewal with %i ms left ends at the maximum or is refused, and is never without an end',
  async milliseconds => {
    await using broker = await smallBroker()
    await withUsers(broker, { default_ttl: '1h', max_ttl: '1h' })
    const credential = await lease(broker)
    const { data } = await broker.ask('write', 'sys/leases/lookup', { lease_id: credential.lease }).then(reply => ({ data: dataOf(reply) }))
    const end = Temporal.Instant.from(data.issue_time).add({ hours: 1 })
    await broker.clock.advance(end.epochMilliseconds - milliseconds - broker.clock.now().epochMilliseconds)
    for (const increment of [0, 1, 3_600, 2_147_483_647]) {
      const renewed = await broker
        .ask('write', 'sys/leases/renew', { lease_id: credential.lease, increment })
        .catch((error: unknown) => error)
      if (renewed instanceof Error) expect(renewed).toMatchObject({ code: 'invalid_lease' })
      else expect(renewed).toMatchObject({ lease: { seconds: expect.toSatisfy((seconds: number) => seconds >= 1 && seconds <= 2) } })
      const [left] = usersOf(broker.target)
      expect(left ? left.until.epochMilliseconds : 0).toBeLessThanOrEqual(end.epochMilliseconds)
    }
    await broker.clock.advance(milliseconds + 2_000)
    expect(usersOf(broker.target)).toEqual([])
  }
)

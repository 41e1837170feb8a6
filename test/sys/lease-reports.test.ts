/** What is told of all leases: which are stuck, who holds what, what a target has beside. */
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/contracts/index.ts'
import { LeaseStand } from './lease-stand.ts'
import { text } from './open-broker.ts'

const stand = new LeaseStand()
const { fault, issue, meanwhile, revoke } = stand

describe('stuck leases', () => {
  test('are counted and listed with their error, and leave when they are gone', async () => {
    const id = await issue()
    expect((await stand.broker.ask('read', 'sys/leases/count', { type: 'irrevocable' })).data).toEqual({ lease_count: 0, counts: {} })
    await fault('fail_before')
    await stand.broker.ask('write', `sys/leases/revoke/${id}`, { sync: false })
    await stand.broker.clock.advance('PT3M')
    const accessor = text((await stand.broker.ask('read', 'sys/mounts/m')).data!['accessor'])
    expect((await stand.broker.ask('read', 'sys/leases/count', { type: 'irrevocable' })).data).toEqual({
      lease_count: 1,
      counts: { [accessor]: 1 }
    })
    const { data } = await stand.broker.ask('read', 'sys/leases', { type: 'irrevocable', limit: 'none' })
    expect(data).toEqual({ lease_count: 1, leases: [{ lease_id: id, mount_id: accessor, error: expect.stringMatching(/./) }] })
    await fault('none')
    await stand.broker.clock.advance('PT2M')
    expect((await stand.broker.ask('read', 'sys/leases/count', { type: 'irrevocable' })).data).toEqual({ lease_count: 0, counts: {} })
  })

  test.each(['sys/leases', 'sys/leases/count'])('%s knows no other type', async path => {
    expect((await stand.broker.ask('read', path, {})).status).toBe(404)
    expect((await stand.broker.ask('read', path, { type: 'expired' })).status).toBe(404)
  })

  test.each(['-1', '0', 'many', '1e3'])('limit %s: 400', async limit => {
    expect((await stand.broker.ask('read', 'sys/leases', { type: 'irrevocable', limit })).status).toBe(400)
  })
})

describe('holdings', () => {
  test('by holder, by role, by mount, page by page', async () => {
    const other = await stand.broker.token({ policies: ['app'], display_name: 'ci' })
    const ids = [await issue(), await issue(other), await issue(other)]
    const held = async (data: JsonObject) =>
      ((await stand.broker.ask('read', 'sys/holdings', data)).data!['holdings'] as readonly { id: string }[]).map(({ id }) => id)
    expect(await held({})).toEqual(ids)
    expect(await held({ display_name: 'token-ci' })).toEqual(ids.slice(1))
    expect(await held({ mount: 'm/', role: 'app' })).toEqual(ids)
    expect(await held({ role: 'other' })).toEqual([])
    const { data } = await stand.broker.ask('read', 'sys/holdings', { limit: 2 })
    expect(data).toMatchObject({ next: ids[1] })
    expect(await held({ after: text(data!['next']) })).toEqual(ids.slice(2))
  })

  test('what was held is history', async () => {
    const id = await issue()
    await revoke({ lease_id: id })
    expect((await stand.broker.ask('read', 'sys/holdings')).data).toEqual({ holdings: [], next: null })
    expect((await stand.broker.ask('read', 'sys/holdings', { ended: 'true' })).data!['holdings']).toMatchObject([
      { id, state: 'revoked', cause: 'manual', ended_time: expect.any(String), revoked_time: expect.any(String) }
    ])
  })

  test('a misspelled filter is an error, not another question', async () => {
    expect(await stand.broker.ask('read', 'sys/holdings', { acessor: 'x' })).toMatchObject({ status: 400, error: 'unknown field: acessor' })
    expect((await stand.broker.ask('read', 'sys/holdings', { mount: 'nowhere' })).status).toBe(400)
  })
})

describe('reconcile', () => {
  test('reports what a target holds without a lease', async () => {
    const id = await issue()
    await fault('fail_before')
    await meanwhile(stand.broker.ask('write', `sys/leases/revoke-force/${id}`))
    const { data } = await meanwhile(stand.broker.ask('write', 'sys/reconcile'))
    expect(data).toMatchObject({ targets: [{ mount: 'm/', listed: 1 }] })
    expect((await stand.broker.ask('read', 'sys/reconcile')).data).toEqual(data)
  })
})

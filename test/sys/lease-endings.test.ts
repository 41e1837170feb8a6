/** Leases as they end before their time. */
import { describe, expect, test } from 'vitest'
import { LeaseStand } from './lease-stand.ts'

const stand = new LeaseStand()
const { fault, issue, meanwhile, revoke } = stand

describe('revoke', () => {
  test('204, and the next list is without it', async () => {
    const id = await issue()
    expect((await revoke({ lease_id: id })).status).toBe(204)
    expect((await stand.broker.ask('list', 'sys/leases/lookup/m/creds/app')).status).toBe(404)
    expect(await stand.broker.ask('write', 'sys/leases/lookup', { lease_id: id })).toMatchObject({ status: 400, error: 'invalid lease' })
  })

  test('an unknown one is 204, none at all 400', async () => {
    expect((await revoke({ lease_id: 'm/creds/app/unknown' })).status).toBe(204)
    expect((await revoke({})).status).toBe(400)
  })

  test('sync: false answers 202 at once', async () => {
    const id = await issue()
    expect((await stand.broker.ask('write', `sys/leases/revoke/${id}`, { sync: false })).status).toBe(202)
    await stand.broker.clock.advance('PT2S')
    expect((await stand.broker.ask('write', 'sys/leases/lookup', { lease_id: id })).status).toBe(400)
  })

  test('a target that fails is 400, and the sweeper goes on', async () => {
    const id = await issue()
    await fault('fail_before')
    expect(await revoke({ lease_id: id })).toMatchObject({ status: 400, error: expect.stringMatching(/^failed to revoke entry: /) })
    expect((await stand.broker.ask('write', 'sys/leases/lookup', { lease_id: id })).data).toMatchObject({
      state: 'revoking',
      cause: 'manual',
      renewable: false
    })
    await fault('none')
    await stand.broker.clock.advance('PT2M')
    expect((await stand.broker.ask('write', 'sys/leases/lookup', { lease_id: id })).status).toBe(400)
  })

  test('a prefix ends all below it and nothing beside', async () => {
    await stand.broker.ask('write', 'm/roles/app2', { default_ttl: '1h' })
    const ids = [await issue(), await issue()]
    const beside = (await stand.broker.ask('read', 'm/creds/app2', {}, { token: stand.app })).lease!.id
    expect((await meanwhile(stand.broker.ask('write', 'sys/leases/revoke-prefix/m/creds/app'))).status).toBe(204)
    for (const id of ids) expect((await stand.broker.ask('write', 'sys/leases/lookup', { lease_id: id })).status).toBe(400)
    expect((await stand.broker.ask('write', 'sys/leases/lookup', { lease_id: beside })).status).toBe(200)
  })

  test.each(['revoke-prefix', 'revoke-force'])('%s with a complete id is that lease alone', async verb => {
    const [one, other] = [await issue(), await issue()]
    expect((await meanwhile(stand.broker.ask('write', `sys/leases/${verb}/${one}`))).status).toBe(204)
    expect((await stand.broker.ask('write', 'sys/leases/lookup', { lease_id: one })).status).toBe(400)
    expect((await stand.broker.ask('write', 'sys/leases/lookup', { lease_id: other })).status).toBe(200)
  })

  test.each(['revoke-prefix', 'revoke-force'])('%s without a prefix is not everything', async verb => {
    const id = await issue()
    expect(await meanwhile(stand.broker.ask('write', `sys/leases/${verb}`))).toMatchObject({
      status: 400,
      error: 'prefix must be specified'
    })
    expect((await stand.broker.ask('write', 'sys/leases/lookup', { lease_id: id })).data).toMatchObject({ state: 'active' })
  })

  test('force gives up on a target that never answers; history and reconciler still know', async () => {
    const id = await issue()
    await fault('fail_before')
    expect((await meanwhile(stand.broker.ask('write', 'sys/leases/revoke-force/m'))).status).toBe(204)
    expect((await stand.broker.ask('list', 'sys/leases/lookup/m/creds/app')).status).toBe(404)
    const { data } = await stand.broker.ask('read', 'sys/holdings', { ended: true })
    expect(data!['holdings']).toMatchObject([{ id, state: 'revoked', revoked_time: null, forced_by: 'root' }])
  })

  test('disabling a mount ends its leases; while the target is away it stays', async () => {
    const id = await issue()
    await fault('fail_before')
    expect(await meanwhile(stand.broker.ask('delete', 'sys/mounts/m'))).toMatchObject({
      status: 400,
      error: expect.stringContaining('1 lease')
    })
    expect((await stand.broker.ask('read', 'sys/mounts/m')).data).toMatchObject({ ending: true })
    expect((await stand.broker.ask('read', 'm/creds/app', {}, { token: stand.app })).status).toBeGreaterThanOrEqual(400)
    await fault('none')
    await stand.broker.clock.advance('PT2M')
    expect((await meanwhile(stand.broker.ask('delete', 'sys/mounts/m'))).status).toBe(204)
    expect((await stand.broker.ask('read', 'sys/holdings', { ended: true })).data!['holdings']).toMatchObject([
      { id, state: 'revoked', cause: 'mount-disabled' }
    ])
  })

  test('leases end with their token', async () => {
    const id = await issue()
    await stand.broker.ask('write', 'auth/token/revoke', { token: stand.app })
    await stand.broker.clock.advance('PT2S')
    expect((await stand.broker.ask('read', 'sys/holdings', { ended: true })).data!['holdings']).toMatchObject([
      { id, state: 'revoked', cause: 'token-revoked' }
    ])
  })
})

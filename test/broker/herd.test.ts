import { expect, test } from 'vitest'
import type { Backend, BackendType, CredentialType } from '../../src/contracts/index.ts'
import { memory } from '../../plugins/memory/index.ts'
import { smallBroker, withUsers } from './small-broker.ts'
import type { Lease } from '../../src/lease/lease.ts'
import { handlePlace, recipePlace } from '../../src/broker/leases/lease-rows.ts'
import type { LeaseId, TargetId } from '../../src/contracts/index.ts'

const herd = 100_000
const perSecond = 20_000

test(
  '100,000 leases that are due in one second end within the formula, and another target keeps its time',
  { timeout: 300_000 },
  async () => {
    const ended = new Map<string, number>()
    await using broker = await smallBroker({ backends: [limited(ended)] })
    await withUsers(broker, { default_ttl: '1h' })
    await broker.ask('write', 'sys/mounts/slow', { type: 'limited' })
    await broker.ask('write', 'slow/config', { path: `${broker.folder}/slow.db` })
    const due = broker.clock.now().add({ minutes: 10 })
    await seed(broker, due)
    await broker.ask('write', 'users/roles/app', { default_ttl: '10m' })
    const other = await broker.ask('read', 'users/creds/app')
    await broker.clock.advance('PT9M59S')
    expect(ended.size).toBe(0)
    const limit = (herd / perSecond) * 1_000 + 10_000
    for (let waited = 0; ended.size < herd && waited < limit; waited += 250) await broker.clock.advance(250)
    expect(ended.size).toBe(herd)
    const last = Math.max(...[...ended.values()].slice(-500))
    expect(last - due.epochMilliseconds).toBeLessThanOrEqual(limit)
    const details = await broker.store.lease(other.lease!.id as LeaseId)
    expect(details?.state).toBe('revoked')
    expect(details!.endedAt!.epochMilliseconds - details!.expiresAt.epochMilliseconds).toBeLessThan(10_000)
  }
)

/** `plugins/memory` whose target ends so many users a second and no more; `ended` takes when. */
function limited(ended: Map<string, number>): BackendType {
  return {
    type: 'limited',
    async open(context): Promise<Backend> {
      const backend = await memory.open(context)
      const revoke: CredentialType['revoke'] = async ({ leases }, signal) => {
        await context.clock.sleep((leases.length / perSecond) * 1_000, signal)
        for (const { lease } of leases) ended.set(lease, context.clock.now().epochMilliseconds)
        return leases.map(() => ({ kind: 'gone' }))
      }
      return { ...backend, credentials: { user: { ...backend.credentials['user']!, revoke } } }
    }
  }
}

/** Rows as an issue leaves them, without the target: what it holds does not matter here. */
async function seed(broker: Awaited<ReturnType<typeof smallBroker>>, due: Temporal.Instant): Promise<void> {
  const parts = broker.life.parts()!
  const mount = parts.mounts.at('slow/creds')!.mount.record.uuid
  const root = await broker.ask('read', 'auth/token/lookup-self')
  const accessor = (root.data as { accessor: string }).accessor
  const token = (await broker.store.tokenByAccessor(accessor))!
  const now = parts.clock.now()
  const recipe = parts.barrier.sealJson(recipePlace('herd'), null)
  for (let at = 0; at < herd; at += 2_500) {
    const leases = Array.from({ length: 2_500 }, (_, i) => leaseRow(`slow/creds/app/herd${String(at + i).padStart(20, '0')}` as LeaseId))
    await broker.store.commit(
      leases.flatMap(lease => [
        { kind: 'lease.begin', now, lease, recipe } as const,
        {
          kind: 'lease.activate',
          now,
          id: lease.id,
          version: 1,
          handle: lease.handle,
          visible: {},
          subject: null,
          expiresAt: due,
          guarantees: lease.guarantees
        } as const
      ]),
      []
    )
  }

  function leaseRow(id: LeaseId): Lease {
    return {
      id,
      state: 'issuing',
      version: 1,
      mount,
      path: 'slow/creds/app',
      role: 'app',
      roleVersion: 1,
      credential: 'user',
      target: `${mount}/1` as TargetId,
      recipe: 'herd',
      handle: parts.barrier.sealJson(handlePlace(id), { name: id }),
      name: id,
      visible: {},
      token: token.hash,
      accessor,
      displayName: 'root',
      entity: '',
      remoteAddress: '127.0.0.1',
      requestId: 'herd',
      outlivesToken: false,
      renewable: true,
      guarantees: { revocable: 'at once', endsSessions: true, diesByItself: true, listable: true, observable: 'no' },
      ttl: 600,
      issuedAt: now,
      expiresAt: due,
      maxExpiresAt: due,
      createBy: now.add({ seconds: 10 }),
      lastRenewal: null,
      dueAt: now.add({ seconds: 30 }),
      epoch: broker.store.node.epoch,
      activated: false,
      cause: null,
      failures: 0,
      lastError: null,
      endedAt: null,
      revokedAt: null,
      forcedBy: null,
      subject: null,
      outlivesUntil: null,
      usage: null
    }
  }
}

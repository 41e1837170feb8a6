import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { unchain } from '../../src/audit/chain.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { usersOf } from '../../plugins/memory/target.ts'
import { TestClock } from '../sim/test-clock.ts'
import { dataOf, lease, smallBroker, withUsers } from './small-broker.ts'
import type { SmallBroker } from './small-broker.ts'

let folder = ''
let clock = new TestClock()
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-held-'))
  clock = new TestClock()
})
afterEach(() => rm(folder, { recursive: true }))

const open = async (name: string, root?: string) =>
  smallBroker({
    clock,
    store: await openSqlite({ path: join(folder, name), reserveBytes: 65_536 }),
    ...(root === undefined ? {} : { root })
  })

const copy = (from: string, to: string) => cp(join(folder, from), join(folder, to), { recursive: true, preserveTimestamps: true })

const names = (target: string) =>
  usersOf(target)
    .map(({ name }) => name)
    .toSorted()

const held = expect.objectContaining({ code: 'held', message: expect.stringContaining('operator resume --restored') as string }) as unknown

describe('a broker on a held store', () => {
  let original: SmallBroker
  let broker: SmallBroker
  let issued: Awaited<ReturnType<typeof lease>>
  beforeEach(async () => {
    original = await open('data')
    await withUsers(original)
    issued = await lease(original)
    await original.life[Symbol.asyncDispose]()
    await original.store[Symbol.asyncDispose]()
    await copy('data', 'other')
    broker = await open('other', original.root)
  })
  afterEach(async () => {
    await broker[Symbol.asyncDispose]()
    await rm(original.folder, { recursive: true, force: true })
  })

  test('reads: leases, holdings, configuration, its own state; each with its audit entry', async () => {
    expect(dataOf(await broker.ask('write', 'sys/leases/lookup', { lease_id: issued.lease })).id).toBe(issued.lease)
    expect(dataOf(await broker.ask('read', 'sys/holdings')).holdings).toHaveLength(1)
    expect(dataOf(await broker.ask('read', 'users/roles/app')).default_ttl).toBe(3_600)
    expect(dataOf(await broker.ask('read', 'auth/token/lookup-self')).display_name).toBe('root')
    expect(broker.life.sealStatus()).toMatchObject({ sealed: false, held: true, held_cause: expect.stringContaining('copied') as string })
    expect(broker.life.health()).toMatchObject({ standby: true, held: true })
    const lines = await broker.store.auditLines(0, 10_000)
    const own = lines.map(({ line }) => unchain(line)!).filter(({ node }) => node === broker.store.node.id)
    expect(own.filter(({ body }) => body.includes('"sys/holdings"'))).toHaveLength(2)
  })

  test('refuses whatever would change something, in the store or in a target, and says what to do', async () => {
    const before = names(original.target)
    for (const [operation, path, data] of [
      ['read', 'users/creds/app', {}],
      ['write', 'sys/leases/renew', { lease_id: issued.lease }],
      ['write', 'sys/leases/revoke', { lease_id: issued.lease }],
      ['write', 'sys/leases/revoke-prefix/users', {}],
      ['write', 'auth/token/create', {}],
      ['write', 'auth/token/revoke-self', {}],
      ['write', 'users/roles/other', { default_ttl: '1h' }],
      ['delete', 'users/roles/app', {}],
      ['write', 'sys/mounts/more', { type: 'memory' }],
      ['write', 'sys/policies/acl/p', { policy: 'path "a" { capabilities = ["read"] }' }],
      ['write', 'sys/reconcile', {}]
    ] as const)
      await expect(broker.ask(operation, path, data), path).rejects.toEqual(held)
    expect(names(original.target)).toEqual(before)
  })

  test('sweeps nothing, however long it is held', async () => {
    await clock.advance('PT2H')
    expect(names(original.target)).toEqual([issued.username])
    expect(dataOf(await broker.ask('read', 'sys/holdings')).holdings).toHaveLength(1)
  })

  test('nobody without the right resumes it, and not without saying how', async () => {
    await expect(broker.ask('write', 'sys/resume', {})).rejects.toThrow('as: expected "restored"')
    await expect(broker.ask('write', 'sys/resume', { as: 'restored' }, 'nobody')).rejects.toThrow('permission denied')
    expect(broker.life.health()).toMatchObject({ held: true })
  })

  test('resumed as restored it sweeps what is due', async () => {
    const { resumed, targets } = dataOf(await broker.ask('write', 'sys/resume', { as: 'restored' }))
    expect({ resumed, targets }).toEqual({ resumed: 'restored', targets: 1 })
    expect(broker.life.health()).not.toHaveProperty('held')
    await expect(broker.ask('write', 'sys/resume', { as: 'restored' })).rejects.toThrow('is not held')
    const more = await lease(broker)
    expect(names(original.target)).toEqual([issued.username, more.username].toSorted())
    await clock.advance('PT2H')
    expect(names(original.target)).toEqual([])
  })

  test('resumed as a copy it never touches what is the original’s, and marks its own as another instance', async () => {
    const { instance, leases_set_aside: leases } = dataOf(await broker.ask('write', 'sys/resume', { as: 'copy' }))
    expect(leases).toBe(1)
    expect(broker.life.health()).toMatchObject({ cluster_id: instance })
    const own = await lease(broker)
    await clock.advance('PT2H')
    expect(names(original.target)).toEqual([issued.username])
    expect(own.username).not.toBe(issued.username)
    const [aside] = dataOf(await broker.ask('read', 'sys/holdings', { ended: true })).holdings.filter(({ id }: any) => id === issued.lease)
    expect(aside).toMatchObject({ cause: 'foreign' })
    await lease(broker)
    const { targets } = dataOf(await broker.ask('write', 'sys/reconcile'))
    expect(targets[0]).toMatchObject({ orphanCount: 0, foreignCount: 1, listed: 1 })
    await broker[Symbol.asyncDispose]()
    broker = await open('other', original.root)
    expect(broker.life.health()).toMatchObject({ cluster_id: instance })
  })
})

import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CrashPoint } from '../../src/broker/crash-point.ts'
import { unchain } from '../../src/audit/chain.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { usersOf } from '../../plugins/memory/target.ts'
import { TestClock } from '../sim/test-clock.ts'
import { dataOf, lease, smallBroker, withUsers } from './small-broker.ts'
import type { SmallBroker, SmallBrokerOptions } from './small-broker.ts'
import { failingStore } from './failing-store.ts'

let folder = ''
let clock = new TestClock()
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-held-'))
  clock = new TestClock()
})
afterEach(() => rm(folder, { recursive: true }))

const openStore = (name: string) => openSqlite({ path: join(folder, name), reserveBytes: 65_536 })

const open = async (name: string, root?: string, more: SmallBrokerOptions = {}) =>
  smallBroker({ clock, store: more.store ?? (await openStore(name)), ...more, ...(root === undefined ? {} : { root }) })

const diesBeforeLift = async (point: CrashPoint) => {
  if (point === 'resume:before-lift') throw new Error('dies here')
}

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

  test('two resumes at once set nothing aside that the copy has issued itself', async () => {
    await broker.ask('write', 'sys/resume', { as: 'copy' })
    const own = await lease(broker)
    // The second one, begun before the first was done, comes to its next batch only now.
    const late = broker.store.commit([{ kind: 'held.setAside', now: clock.now(), limit: 1_000 }], [])
    await expect(late).rejects.toThrow('is not being resumed with --copy')
    await clock.advance('PT2H')
    expect(names(original.target)).toEqual([issued.username])
    expect(own.username).not.toBe(issued.username)
  })

  test('nothing that it seals once it is resumed is under a key with which the other store goes on', async () => {
    await broker[Symbol.asyncDispose]()
    broker = await open('other', original.root, { at: diesBeforeLift })
    await expect(broker.ask('write', 'sys/resume', { as: 'copy' })).rejects.toThrow('dies here')
    expect(dataOf(await broker.ask('read', 'sys/key-status')).term).toBe(2)
  })

  test('resumed and unable to begin its work it is sealed, and issues nothing that nobody would sweep', async () => {
    await broker[Symbol.asyncDispose]()
    const store = failingStore(await openStore('other'), changes => changes.some(({ kind }) => kind === 'lease.takeOver'))
    broker = await open('other', original.root, { store })
    await expect(broker.ask('write', 'sys/resume', { as: 'restored' })).rejects.toThrow('cannot be written')
    await clock.advance('PT1S')
    expect(broker.life.sealed()).toBe(true)
    await broker[Symbol.asyncDispose]()
    broker = await open('other', original.root)
    await clock.advance('PT2H')
    expect(names(original.target)).toEqual([])
  })
})

import { expect, test } from 'vitest'
import { unchain } from '../../src/audit/chain.ts'
import { BrokerError } from '../../src/contracts/index.ts'
import { openMemory } from '../../src/store/sqlite/open.ts'
import { dataOf, smallBroker } from './small-broker.ts'
import type { SmallBroker, SmallBrokerOptions } from './small-broker.ts'
import { ticketBackend } from './ticket-backend.ts'
import type { Hooks } from './ticket-backend.ts'

async function ticketBroker(hooks: Hooks = {}, options: SmallBrokerOptions = {}): Promise<SmallBroker> {
  const broker = await smallBroker({ ...options, backends: [ticketBackend(hooks)] })
  await broker.ask('write', 'sys/mounts/tickets', { type: 'tickets' })
  return broker
}

async function signed(broker: SmallBroker, subject = 'anna', token?: string): Promise<{ readonly id: string; readonly serial: string }> {
  const reply = await broker.ask('write', 'tickets/sign', { subject }, token)
  return { id: reply.lease!.id, serial: dataOf(reply).ticket.split(':')[0] }
}

async function entriesOf(broker: SmallBroker): Promise<any[]> {
  return (await broker.store.auditLines(0, 10_000)).map(({ line }) => JSON.parse(unchain(line)?.body ?? line))
}

const holdingsOf = async (broker: SmallBroker, filter = {}) => dataOf(await broker.ask('read', 'sys/holdings', filter)).holdings
const lookup = async (broker: SmallBroker, id: string) => dataOf(await broker.ask('write', 'sys/leases/lookup', { lease_id: id }))

/** Lets the clock run until the broker has answered. */
async function meanwhile<T>(broker: SmallBroker, answer: Promise<T>): Promise<T> {
  const waiting = { done: false }
  const ended = answer.finally(() => (waiting.done = true))
  ended.catch(() => undefined)
  while (!waiting.done) await broker.clock.advance(100)
  return ended
}

test('what is minted is an active lease with both entries before it leaves, in one commit', async () => {
  const store = await openMemory()
  const commits: (readonly [readonly string[], number])[] = []
  const commit = store.commit.bind(store)
  store.commit = (changes, audit) => {
    commits.push([changes.map(({ kind }) => kind), audit.length])
    return commit(changes, audit)
  }
  await using broker = await ticketBroker({}, { store })
  commits.length = 0
  const reply = await broker.ask('write', 'tickets/sign', { subject: 'anna', ttl: '10m' })
  expect(commits).toEqual([
    [['sequence.reserve'], 0],
    [['entry.put', 'lease.begin'], 2]
  ])
  expect(reply).toMatchObject({ status: 200, lease: { renewable: false, seconds: 600 } })
  expect(await lookup(broker, reply.lease!.id)).toMatchObject({
    state: 'active',
    ttl: 600,
    subject: 'anna',
    visible: { serial: '1' },
    cause: null,
    first_seen: null,
    uses: 0
  })
  const entries = (await entriesOf(broker)).filter(entry => entry.request?.path === 'tickets/sign')
  expect(entries.map(({ type }) => type)).toEqual(['request', 'response'])
  expect(entries[1].response).toMatchObject({ secret: { lease_id: reply.lease!.id }, issued: { serial: '1', role: 'door' } })
  expect(JSON.stringify(entries)).not.toContain(dataOf(reply).ticket)
})

test('the caller is warned of what the credential cannot promise', async () => {
  await using broker = await ticketBroker()
  const { warnings } = await broker.ask('write', 'tickets/sign', { subject: 'anna' })
  expect(warnings).toEqual([
    'revoking this credential takes effect eventually, not at once',
    'sessions that are open when this credential ends are not ended'
  ])
})

test('what fails before the commit leaves nothing: no lease, no row, and the refusal in the trail', async () => {
  await using broker = await ticketBroker({
    signing: () => {
      throw new BrokerError('invalid_request', 'no key')
    }
  })
  await expect(signed(broker)).rejects.toMatchObject({ code: 'invalid_request', message: 'no key' })
  expect(await holdingsOf(broker, { ended: true })).toEqual([])
  const entries = (await entriesOf(broker)).filter(entry => entry.request?.path === 'tickets/sign')
  expect(entries.map(({ type, error }) => [type, error])).toEqual([
    ['request', undefined],
    ['response', 'no key']
  ])
})

test('a ticket that was signed while its time ran out does not leave', async () => {
  let broker: SmallBroker | undefined
  await using serving = await ticketBroker({ signing: () => broker?.clock.advance('PT11M') })
  broker = serving
  await expect(signed(serving)).rejects.toMatchObject({ code: 'target_silent' })
  expect(await holdingsOf(serving, { ended: true })).toEqual([])
})

test('a ticket whose token, mount or subject ends while it is signed does not leave', async () => {
  let during: (() => Promise<unknown>) | undefined
  await using broker = await ticketBroker({ signing: async () => void (await during?.()) })
  const child = dataOf(await broker.ask('write', 'sys/policies/acl/all', { policy: 'path "*" { capabilities = ["update", "sudo"] }' }))
  expect(child).toBeUndefined()
  const token = (await broker.ask('write', 'auth/token/create', { policies: ['all'], ttl: '1h' })).auth!.reveal().client_token
  during = () => broker.ask('write', 'auth/token/revoke', { token })
  await expect(signed(broker, 'anna', token)).rejects.toMatchObject({ code: 'permission_denied' })
  during = () => broker.ask('write', 'sys/leases/revoke-prefix/tickets', { sync: false })
  await expect(signed(broker)).rejects.toMatchObject({ code: 'invalid_request', message: 'leases here are being revoked' })
  expect(await holdingsOf(broker, { ended: true })).toEqual([])
})

test('a wrapped ticket that nobody opens is revoked', async () => {
  await using broker = await ticketBroker()
  const reply = await broker.ask('write', 'tickets/sign', { subject: 'anna' }, undefined, 60)
  expect(reply.wrapInfo).toBeDefined()
  expect(await holdingsOf(broker)).toMatchObject([{ state: 'active', cause: null }])
  await broker.clock.advance('PT65S')
  expect(await holdingsOf(broker, { ended: true })).toMatchObject([{ state: 'revoked', cause: 'not-unwrapped' }])
})

test('what a revocation writes is committed with its outcomes, and the task that publishes it follows, on a full disk as well', async () => {
  const store = await openMemory()
  const settled: unknown[] = []
  const commit = store.commit.bind(store)
  store.commit = (changes, audit) => {
    settled.push(...changes.filter(({ kind }) => kind === 'task.settle'))
    return commit(changes, audit)
  }
  await using broker = await ticketBroker({}, { store })
  const { id } = await signed(broker)
  await meanwhile(broker, broker.ask('write', 'sys/leases/revoke', { lease_id: id }))
  await broker.clock.advance('PT2S')
  expect(dataOf(await broker.ask('list', 'tickets/published'))).toEqual({ keys: ['1'] })
  expect(settled).toMatchObject([{ task: 'publish', endsAccess: true }])
})

test('a revocation whose rows somebody changed meanwhile keeps nothing, and comes again', async () => {
  let clashes = 0
  await using broker = await ticketBroker({
    revoking: storage => void (clashes++ === 0 && storage.put('revoked/1', 'of another', 7))
  })
  const { id } = await signed(broker)
  const refused = meanwhile(broker, broker.ask('write', 'sys/leases/revoke', { lease_id: id }))
  await expect(refused).rejects.toMatchObject({ message: expect.stringContaining('changed meanwhile') })
  expect(await lookup(broker, id)).toMatchObject({ state: 'revoking', revoke_error: expect.stringContaining('conflict') })
  await broker.clock.advance('PT5S')
  expect(await holdingsOf(broker, { ended: true })).toMatchObject([{ state: 'revoked' }])
  expect(clashes).toBe(2)
})

test('a use that the target tells is kept with the lease: when first and last, how often, where from', async () => {
  await using broker = await ticketBroker()
  const { id, serial } = await signed(broker)
  const used = (data = {}) => broker.ask('write', 'tickets/used', { serial, ...data })
  await used({ kind: 'offer' })
  expect(await lookup(broker, id)).toMatchObject({ first_seen: null, uses: 0, offers: 1 })
  const first = broker.clock.now().toString()
  await used({ from: '192.0.2.7' })
  await broker.clock.advance('PT10S')
  await used({ from: '192.0.2.8' })
  await broker.clock.advance('PT10S')
  const last = broker.clock.now().toString()
  await used({ kind: 'logout' })
  const seen = { first_seen: first, last_seen: last, uses: 2, seen_from: ['192.0.2.7', '192.0.2.8'] }
  expect(await lookup(broker, id)).toMatchObject(seen)
  await broker.ask('write', 'tickets/used', { serial: '99' })
  await meanwhile(broker, broker.ask('write', 'sys/leases/revoke', { lease_id: id }))
  expect(await holdingsOf(broker, { ended: true })).toMatchObject([{ state: 'revoked', ...seen }])
})

test('a backend knows the leases of its mount, and what is due gives no access any more', async () => {
  await using broker = await ticketBroker()
  const { id, serial } = await signed(broker)
  const known = async () => dataOf(await broker.ask('read', `tickets/known/${serial}`))
  expect(await known()).toMatchObject({ id, state: 'active', subject: 'anna', role: 'door', visible: { serial }, displayName: 'root' })
  await broker.ask('write', 'sys/leases/revoke', { lease_id: id, sync: false })
  expect((await known()).state).not.toBe('active')
  await broker.ask('write', 'sys/mounts/others', { type: 'tickets' })
  await expect(broker.ask('read', `others/known/${serial}`)).rejects.toMatchObject({ code: 'nothing_there' })
})

test('a backend ends what it made for a subject, and nothing of anybody else', async () => {
  await using broker = await ticketBroker()
  const anna = [await signed(broker), await signed(broker), await signed(broker)]
  const other = await signed(broker, 'otto')
  await broker.ask('write', 'sys/mounts/others', { type: 'tickets' })
  // Numbers are of a mount, and so are subjects.
  await broker.ask('write', 'others/sign', { subject: 'nobody' })
  const reply = await meanwhile(broker, broker.ask('write', 'tickets/revoke', { subject: 'anna' }))
  expect(dataOf(reply)).toEqual({ left: 0 })
  expect((await holdingsOf(broker)).map(({ id }: { id: string }) => id)).toEqual([other.id, expect.stringContaining('others/')])
  expect(await meanwhile(broker, broker.ask('write', 'tickets/revoke', { serials: [other.serial, '77'] }))).toMatchObject({ status: 204 })
  expect(await holdingsOf(broker, { mount: 'tickets' })).toEqual([])
  expect(await holdingsOf(broker, { mount: 'tickets', ended: true })).toHaveLength(anna.length + 1)
})

test('while a subject is being ended nothing is minted for it', async () => {
  let during: (() => Promise<unknown>) | undefined
  await using broker = await ticketBroker({ signing: async () => void (await during?.()) })
  await signed(broker)
  let ending: Promise<unknown> | undefined
  during = async () => {
    during = undefined
    ending = broker.ask('write', 'tickets/revoke', { subject: 'anna' })
    // The commit that opens the cascade, and not yet a turn of the sweeper.
    for (let i = 0; i < 20 && (await broker.store.dueWork(broker.clock.now())).cascades.length === 0; i++) await Promise.resolve()
  }
  await expect(signed(broker)).rejects.toMatchObject({ message: 'leases here are being revoked' })
  await meanwhile(broker, ending!)
  await signed(broker)
})

test('what is signed for a subject after all of it was made due is not waited for', async () => {
  await using broker = await ticketBroker()
  // More than are looked at at once.
  for (let i = 0; i < 201; i++) await signed(broker)
  let later: string | undefined
  const waiting = { done: false }
  const ended = broker.ask('write', 'tickets/revoke', { subject: 'anna' }).finally(() => (waiting.done = true))
  ended.catch(() => undefined)
  while (!waiting.done) {
    later ??= await signed(broker).then(
      ({ id }) => id,
      () => undefined
    )
    await broker.clock.advance(100)
  }
  await expect(ended).resolves.toBeDefined()
  expect(later).toBeDefined()
  expect(await lookup(broker, later!)).toMatchObject({ state: 'active' })
})

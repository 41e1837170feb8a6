/** Knowing a lease id, an accessor or even a token gives no right: every lease and token endpoint, asked by the owner, by a stranger and by the owner's parent, each with
 *  nothing but `default`. Whoever is refused has changed nothing. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Api } from '../crash/api.ts'
import { brokerUnderAttack } from './broker-under-attack.ts'
import type { BrokerUnderAttack } from './broker-under-attack.ts'

let broker: BrokerUnderAttack
let words: Record<string, string>
let callers: Record<'owner' | 'stranger' | 'parent', Api>

beforeAll(async () => {
  broker = await brokerUnderAttack()
  await broker.policy('maker', { 'auth/token/create': ['update'] })
})
afterAll(() => broker[Symbol.asyncDispose]())

beforeEach(async () => {
  const parent = broker.as((await broker.token({ policies: ['app', 'maker'] })).token)
  const { auth } = await parent.must('POST', 'auth/token/create', { policies: ['app'], ttl: '1h' })
  const owner = broker.as(auth.client_token)
  const { lease_id: lease } = await owner.must('GET', 'users/creds/app')
  callers = { owner, parent, stranger: broker.as((await broker.token({ policies: ['app'] })).token) }
  words = { lease, token: auth.client_token, accessor: auth.accessor }
})
afterEach(() => broker.root.must('POST', 'auth/token/revoke', { token: words['token'] }))

const lease = { lease_id: '{lease}' }
const token = { token: '{token}' }
const accessor = { accessor: '{accessor}' }
const increment = { increment: '30m' }

/** What each is answered: owner, stranger, parent. */
const endpoints: readonly (readonly [string, object, number, number, number])[] = [
  ['sys/leases/lookup', lease, 200, 403, 403],
  ['sys/leases/renew', { ...lease, ...increment }, 200, 403, 403],
  ['sys/leases/revoke', lease, 204, 403, 403],
  ['sys/leases/revoke', { ...lease, sync: false }, 202, 403, 403],
  // By the path a rule must name it, for the owner too.
  ['sys/leases/lookup/{lease}', {}, 403, 403, 403],
  ['sys/leases/renew/{lease}', increment, 403, 403, 403],
  ['sys/leases/revoke/{lease}', {}, 403, 403, 403],
  ['sys/leases/revoke-prefix/{lease}', {}, 403, 403, 403],
  ['sys/leases/revoke-force/{lease}', {}, 403, 403, 403],
  // Names of older days.
  ['sys/renew/{lease}', {}, 403, 403, 403],
  ['sys/revoke/{lease}', {}, 403, 403, 403],
  ['auth/token/lookup', token, 403, 403, 403],
  ['auth/token/lookup-accessor', accessor, 403, 403, 403],
  ['auth/token/renew', { ...token, ...increment }, 403, 403, 403],
  ['auth/token/renew-accessor', { ...accessor, ...increment }, 403, 403, 403],
  ['auth/token/revoke', token, 403, 403, 403],
  ['auth/token/revoke-accessor', accessor, 403, 403, 403],
  ['auth/token/revoke-orphan', token, 403, 403, 403],
  ['sys/capabilities', { ...token, paths: 'a' }, 403, 403, 403],
  ['sys/capabilities-accessor', { ...accessor, paths: 'a' }, 403, 403, 403]
]

const fill = (text: string) => text.replaceAll(/\{(\w+)\}/g, (whole, word: string) => words[word] ?? whole)

describe.each(endpoints)('%s %j', (path, body, ownerGets, strangerGets, parentGets) => {
  test.each([
    ['owner', ownerGets],
    ['stranger', strangerGets],
    ['parent', parentGets]
  ] as const)('by the %s: %i', async (who, status) => {
    const before = await broker.state()
    const answered = await callers[who].ask('PUT', fill(path), JSON.parse(fill(JSON.stringify(body))))
    expect(answered.status).toBe(status)
    if (status !== 403) return
    expect(answered.body).toEqual({ errors: ['1 error occurred:\n\t* permission denied\n\n'] })
    expect(await broker.state()).toEqual(before)
    expect((await callers.owner.ask('GET', 'auth/token/lookup-self')).status).toBe(200)
  })
})

test.each(['lookup-self', 'renew-self', 'revoke-self'])(
  'auth/token/%s means the caller, whatever token, accessor or id is sent along',
  async path => {
    const before = await callers.owner.must('GET', 'auth/token/lookup-self')
    const reached = await callers.stranger.ask('POST', `auth/token/${path}`, {
      token: words['token'],
      accessor: words['accessor'],
      id: words['token']
    })
    expect(JSON.stringify(reached.body)).not.toContain(words['accessor'])
    const after = await callers.owner.must('GET', 'auth/token/lookup-self')
    expect(after.data.expire_time).toBe(before.data.expire_time)
  }
)

test('a stranger’s children are strangers too, and the owner’s child is not the owner', async () => {
  const { auth } = await callers.parent.must('POST', 'auth/token/create', { policies: ['app'] })
  const sibling = broker.as(auth.client_token)
  for (const verb of ['lookup', 'renew', 'revoke'])
    expect((await sibling.ask('PUT', `sys/leases/${verb}`, { lease_id: words['lease'] })).status).toBe(403)
})

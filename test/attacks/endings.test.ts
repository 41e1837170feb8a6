/** Row 97: however a lease ends, the trail has one entry that says which, why, how and at which attempt. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { usersOf } from '../../plugins/memory/target.ts'
import type { Api } from '../crash/api.ts'
import { brokerUnderAttack } from './broker-under-attack.ts'
import type { BrokerUnderAttack } from './broker-under-attack.ts'

let broker: BrokerUnderAttack
beforeAll(async () => {
  broker = await brokerUnderAttack()
  await broker.root.must('POST', 'users/roles/brief', { default_ttl: '1s', max_ttl: '1s' })
})
afterAll(() => broker[Symbol.asyncDispose]())

type End = (lease: string, holder: Api) => Promise<unknown>
const put = (path: string, body: object = {}) => broker.root.must('PUT', path, body)

const endings: readonly (readonly [string, string, End, object])[] = [
  ['its time', 'brief', async () => undefined, { cause: 'expired', outcome: 'gone' }],
  [
    'its holder',
    'app',
    (lease, holder) => holder.must('PUT', 'sys/leases/revoke', { lease_id: lease }),
    { cause: 'manual', outcome: 'gone' }
  ],
  ['its token’s end', 'app', (_, holder) => holder.must('PUT', 'auth/token/revoke-self'), { cause: 'token-revoked', outcome: 'gone' }],
  ['a prefix', 'app', () => put('sys/leases/revoke-prefix/users/creds/app'), { cause: 'prefix', outcome: 'gone' }],
  ['force', 'app', () => put('sys/leases/revoke-force/users/creds/app'), { cause: 'force', outcome: 'forced', target_not_cleaned: true }]
]

test.each(endings)('by %s', async (_, role, end, expected) => {
  const { token } = await broker.token({ policies: ['app'], ttl: '1h' })
  const holder = broker.as(token)
  const { lease_id: lease, data } = await holder.must('GET', `users/creds/${role}`)
  await end(lease, holder)
  const about = (entry: { readonly [field: string]: any }) => entry['operation'] === 'revoke' && entry['lease_id'] === lease
  const entries = await broker.audit.find(about)
  expect(entries).toMatchObject([
    { type: 'event', revocation: { attempt: 1, ...expected }, credential: { visible: { username: data.username } } }
  ])
  // Nothing more comes after it.
  await put('sys/leases/tidy')
  await holder.ask('GET', 'auth/token/lookup-self')
  await broker.root.must('GET', 'sys/health')
  expect(await broker.audit.find(about, 1)).toHaveLength(1)
})

test('a disabled mount ends its leases, one entry each', async () => {
  await broker.root.must('POST', 'sys/mounts/brief', { type: 'memory' })
  await broker.root.must('POST', 'brief/config', { path: `${broker.folder}/brief.db` })
  await broker.root.must('POST', 'brief/roles/app', { default_ttl: '1h' })
  const leases: string[] = []
  for (let i = 0; i < 3; i++) leases.push((await broker.root.must('GET', 'brief/creds/app')).lease_id)
  await broker.root.must('DELETE', 'sys/mounts/brief')
  expect(usersOf(`${broker.folder}/brief.db`)).toEqual([])
  const entries = await broker.audit.find(entry => entry.operation === 'revoke' && leases.includes(entry['lease_id']), 3)
  expect(entries.map(entry => entry['revocation'])).toEqual(leases.map(() => ({ cause: 'mount-disabled', outcome: 'gone', attempt: 1 })))
})

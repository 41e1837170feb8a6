import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBroker } from '../sys/open-broker.ts'
import type { TestBroker } from '../sys/open-broker.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await openBroker()
})
afterAll(() => broker[Symbol.asyncDispose]())

test('a token reads every key that some client casts unchecked', async () => {
  const token = await broker.token({ policies: ['app'], ttl: '1h', meta: { team: 'a' }, display_name: 'ci job' })
  const { status, data } = await broker.ask('read', 'auth/token/lookup-self', {}, { token })
  expect(status).toBe(200)
  expect(data).toMatchObject({
    id: token,
    policies: ['app', 'default'],
    path: 'auth/token/create',
    meta: { team: 'a' },
    display_name: 'token-ci-job',
    num_uses: 0,
    orphan: false,
    creation_ttl: 3_600,
    ttl: 3_600,
    explicit_max_ttl: 0,
    entity_id: '',
    type: 'service',
    renewable: true,
    accessor: expect.stringMatching(/^[0-9A-Za-z]{24}$/),
    creation_time: expect.any(Number),
    issue_time: expect.any(String),
    expire_time: expect.any(String)
  })
})

test('the first root token has no end', async () => {
  const { data } = await broker.ask('read', 'auth/token/lookup-self')
  expect(data).toMatchObject({ policies: ['root'], ttl: 0, expire_time: null, renewable: false, orphan: true })
})

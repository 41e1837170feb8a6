/** Who gets through which door, over every row of the tables: what is listed here is what the reference lists, and a new row changes these lists on purpose only. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tokenPaths } from '../../src/auth/token/token-paths.ts'
import { sysPaths } from '../../src/http/sys/sys-paths.ts'
import { openBroker } from './open-broker.ts'
import type { TestBroker } from './open-broker.ts'

const rows = [
  ...sysPaths.map(row => ({ ...row, pattern: `sys/${row.pattern}` })),
  ...tokenPaths.map(row => ({ ...row, pattern: `auth/token/${row.pattern}` }))
]

const routes = rows.flatMap(row =>
  (['read', 'write', 'delete', 'list'] as const)
    .filter(verb => row[verb])
    .map(verb => ({ verb, pattern: row.pattern, path: row.pattern.replaceAll(/[:*]\w+/g, 'x') }))
)

let broker: TestBroker
beforeAll(async () => {
  broker = await openBroker()
})
afterAll(() => broker[Symbol.asyncDispose]())

test('the open paths', () => {
  expect(rows.filter(({ open }) => open).map(({ pattern }) => pattern)).toEqual([
    'sys/internal/ui/mounts',
    'sys/internal/ui/mounts/*path',
    'sys/internal/help/*path',
    'sys/wrapping/lookup'
  ])
})

test('the paths that need sudo', () => {
  expect(
    rows
      .filter(({ sudo }) => sudo)
      .map(({ pattern }) => pattern)
      .toSorted()
  ).toEqual([
    'auth/token/accessors',
    'sys/audit',
    'sys/audit/:path',
    'sys/audit/checkpoint-key',
    'sys/auth/*path',
    'sys/auth/*path/tune',
    'sys/backup',
    'sys/leases',
    'sys/leases/lookup/*prefix',
    'sys/leases/revoke-force/*prefix',
    'sys/leases/revoke-holder',
    'sys/leases/revoke-prefix/*prefix',
    'sys/remount',
    'sys/resume',
    'sys/rotate',
    'sys/rotate/keyring',
    'sys/rotate/seal',
    'sys/seal',
    'sys/step-down'
  ])
})

const aboutWrapping = ['sys/wrapping/unwrap', 'sys/wrapping/lookup', 'sys/wrapping/rewrap']

describe.each(routes)('$verb $pattern', ({ verb, path }) => {
  test('is refused without a token, with a wrong one and with one without rights', async () => {
    // Its readers check by themselves.
    const open = path === 'sys/internal/ui/mounts'
    const nobody = await broker.token({ policies: ['nothing'], no_default_policy: true })
    for (const token of [null, 's.wrong', nobody]) {
      const { status, error } = await broker.ask(verb, path, {}, { token })
      if (open && token !== 's.wrong') expect(status).toBe(200)
      // A wrapping token that does not open is told of to anybody, before it is asked who they are.
      else if (aboutWrapping.includes(path) && token !== null)
        expect({ status, error }).toEqual({ status: 400, error: 'wrapping token is not valid or does not exist' })
      else
        expect({ status, error: error?.replace(/^1 error occurred:\n\t\* |\n\n$/g, '') }).toMatchObject({
          status: 403,
          error: expect.stringMatching(
            /^permission denied$|^preflight capability check returned 403|^error validating wrapping token: token is empty$/
          )
        })
    }
  })

  test('answers nothing of the server’s own fault to empty fields and to odd ones', async () => {
    if (path === 'sys/seal') return
    for (const fields of [
      {},
      { type: [], token: {}, lease_id: { a: 1 }, policy: 7, paths: [{}], limit: 'x', options: 'x', config: [], bytes: 'x', input: [] }
    ]) {
      const own = await broker.token({ policies: ['root'], ttl: '1h' })
      const { status } = await broker.ask(verb, path, fields, { token: own })
      expect([200, 202, 204, 400, 403, 404]).toContain(status)
    }
  })

  test('needs its sudo', async () => {
    const row = rows.find(
      ({ pattern }) => pattern.replaceAll(/[:*]\w+/g, 'x') === path && Boolean(rows.find(other => other.pattern === pattern)?.[verb])
    )!
    if (!row.sudo) return
    await broker.ask('write', 'sys/policies/acl/no-sudo', {
      policy: 'path "*" { capabilities = ["create", "read", "update", "delete", "list"] }'
    })
    const token = await broker.token({ policies: ['no-sudo'] })
    expect(await broker.ask(verb, path, {}, { token })).toMatchObject({
      status: 403,
      error: '1 error occurred:\n\t* permission denied\n\n'
    })
  })
})

test('sealing ends the work at once', async () => {
  await using other = await openBroker()
  expect((await other.ask('write', 'sys/seal')).status).toBe(204)
})

test.each([
  ['sys/tools/random', { bytes: 8, format: 'hex' }, { random_bytes: expect.stringMatching(/^[0-9a-f]{16}$/) }],
  ['sys/tools/random/platform/4', {}, { random_bytes: expect.stringMatching(/^[A-Za-z0-9+/]{6}==$/) }],
  ['sys/tools/hash', { input: 'YWJj' }, { sum: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' }],
  ['sys/tools/hash/sha3-256', { input: 'YWJj' }, { sum: '3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532' }]
] as const)('%s %j', async (path, data, answer) => {
  expect((await broker.ask('write', path, data)).data).toEqual(answer)
})

test('the status of the key that seals', async () => {
  expect((await broker.ask('read', 'sys/key-status')).data).toEqual({
    // Some test before this one rotates.
    term: expect.any(Number),
    install_time: expect.any(String),
    encryptions: expect.any(Number),
    oldest_term: 1,
    resealing: null
  })
})

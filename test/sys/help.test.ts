import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBroker } from './open-broker.ts'
import type { TestBroker } from './open-broker.ts'

let broker: TestBroker
let app: string
beforeAll(async () => {
  broker = await openBroker()
  for (const path of ['db', 'hidden']) await broker.ask('write', `sys/mounts/${path}`, { type: 'memory' })
  await broker.ask('write', 'sys/policies/acl/app', { policy: 'path "db/creds/app" { capabilities = ["read"] }' })
  app = await broker.token({ policies: ['app'] })
})
afterAll(() => broker[Symbol.asyncDispose]())

const help = (path: string, token: string | null = app) => broker.ask('read', `sys/internal/help/${path}`, {}, { token })

async function text(path: string, token?: string): Promise<string> {
  const { status, data } = await help(path, token)
  expect({ status, data }).toEqual({ status: 200, data: { help: expect.any(String), see_also: null, openapi: null } })
  return data!['help'] as string
}

test('a path says what it is for, what it does and what it takes', async () => {
  expect(await text('db/roles/app')).toMatchInlineSnapshot(`
    "Request:        db/roles/app
    Matching Route: db/roles/:name

    how long users live

    ## OPERATIONS

        read, write, delete

    ## PARAMETERS

        default_ttl (time: seconds, or 90s, 15m, 2h, 1d)
        lease_outlives_token (true or false)
        max_ttl (time: seconds, or 90s, 15m, 2h, 1d)"
  `)
  expect(await text('sys/leases/revoke-prefix/db')).toContain('\n    write (with sudo)\n')
  expect(await text('sys/wrapping/lookup')).toContain('(asked without a token, too)')
  expect(await text('db/creds/app')).not.toContain('PARAMETERS')
})

test('a mount says all that it serves', async () => {
  expect(await text('db')).toMatchInlineSnapshot(`
    "## DESCRIPTION

    a mount of type memory

    ## PATHS

        db/config
            the file that holds the users
        db/creds/:name
            a new user and its password
        db/faults
            what goes wrong with the next calls
        db/roles
            the roles
        db/roles/:name
            how long users live"
  `)
})

test('no credential is issued by asking about it, and nothing of what is there is told', async () => {
  await text('db/creds/app')
  expect((await broker.ask('read', 'sys/holdings')).data).toMatchObject({ holdings: [] })
  expect(await text('db/roles/never-written')).toBe((await text('db/roles/app')).replace('db/roles/app', 'db/roles/never-written'))
})

test.each(['hidden/roles/x', 'hidden', 'nowhere/x', 'nowhere', 'auth/nowhere/x', ''])('%s: the same refusal, there or not', async path => {
  expect(await help(path)).toMatchObject({ status: 403, error: '1 error occurred:\n\t* permission denied\n\n' })
})

test('without a token nothing is told', async () => {
  for (const path of ['db', 'nowhere', 'sys/wrapping/lookup']) expect(await help(path, null)).toMatchObject({ status: 403 })
})

test('what a mount does not serve is said to be unknown', async () => {
  expect(await help('db/nothing/at/all')).toMatchObject({ status: 404, error: expect.stringContaining('unsupported path') })
  expect(await broker.ask('read', 'sys/internal/help/nowhere')).toMatchObject({
    status: 404,
    error: expect.stringContaining('no handler for route')
  })
})

test('every field of every path has a kind', async () => {
  for (const path of ['sys', 'db', 'auth/token']) {
    const { status, error, data } = await broker.ask('read', `sys/internal/help/${path}`)
    expect({ path, status, error }).toEqual({ path, status: 200, error: undefined })
    for (const [, pattern] of (data!['help'] as string).matchAll(/^ {4}(\S+)$/gm))
      expect((await broker.ask('read', `sys/internal/help/${pattern!.replaceAll(/[:*]\w+/g, 'x')}`)).status).toBe(200)
  }
})

/** What a server sends is not trusted: it reaches a terminal as text and nothing else, and takes no token elsewhere. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { JsonObject } from '../../src/contracts/index.ts'
import { Shell } from './shell.ts'
import { envelope, SmallServer } from './small-server.ts'

let server: SmallServer
const shell = new Shell()

beforeAll(async () => {
  server = await SmallServer.start()
  shell.env['MAYFLY_ADDR'] = server.address
  shell.env['MAYFLY_TOKEN'] = 's.canaryToken'
})

beforeEach(() => void (server.asked.length = 0))

afterAll(async () => {
  shell[Symbol.dispose]()
  await server[Symbol.asyncDispose]()
})

// Moves the cursor, sets the title, writes from right to left, fakes a row, hides; each way to begin such a sequence.
const nasty = 'a\u001b[2J\u009b31m\u001b]0;t\u0007\u202e\u2066\u200b\u2028\rb\u007f\u0000'
const unsafe = /[^\P{C}\n]|[\u2028\u2029]/u

test.each([
  [
    'read x',
    envelope({ lease_id: `l${nasty}`, lease_duration: 1, data: { [`k${nasty}`]: nasty, list: [nasty], map: { [nasty]: nasty } } })
  ],
  ['-format=json read x', envelope({ data: { [nasty]: nasty } })],
  ['read -field=k x', envelope({ data: { k: nasty } })],
  ['list x', envelope({ data: { keys: [nasty] } })],
  [
    'lease ls',
    envelope({
      data: {
        holdings: [
          { display_name: nasty, visible: { username: nasty }, state: 'revoking', revoke_error: nasty, remote_address: nasty, id: nasty }
        ],
        next: null
      }
    })
  ],
  ['policy read x', envelope({ data: { policy: nasty } })],
  ['secrets list', envelope({ data: { [nasty]: { type: nasty, description: nasty } } })],
  ['audit list', envelope({ data: { [nasty]: { type: nasty, options: { file_path: nasty } } } })],
  ['reconcile', envelope({ data: { targets: [{ mount: nasty, target: nasty, error: nasty, orphans: [{ name: nasty }] }] } })],
  ['token capabilities x', envelope({ data: { x: [nasty] } })],
  ['status', { sealed: false, type: nasty, version: nasty }],
  ['operator init', { keys: [nasty], keys_base64: [nasty], root_token: nasty }]
])('%s shows no control character on a terminal', async (line, body) => {
  server.answer = { body: { ...body, warnings: [nasty] } }
  const { out, err } = await shell.run(line, { tty: true, env: { NO_COLOR: '1' } })
  expect(out).not.toBe('')
  expect(out + err).not.toMatch(unsafe)
  expect(out).toContain('\\u001b')
})

test('an error of the server shows none either', async () => {
  server.answer = { status: 400, body: { errors: [nasty] } }
  const { code, err } = await shell.run('read x', { tty: true, env: { NO_COLOR: '1' } })
  expect(code).toBe(2)
  expect(err).not.toMatch(unsafe)
  expect(err).toMatch(/^error: a\\u001b/)
})

test('a program gets one value as it is, and a list without faked rows', async () => {
  server.answer = { body: envelope({ data: { k: 'line\nother\u001b[0m' } }) }
  expect((await shell.run('read -field=k x')).out).toBe('line\nother\u001b[0m')
  server.answer = { body: envelope({ data: { keys: ['a\nb'] } }) }
  expect((await shell.run('list x')).out).toBe('Keys\n----\na\\nb\n')
})

test('no line of a value reads as another key', async () => {
  server.answer = { body: envelope({ data: { cert: '-----BEGIN\npassword    hunter2\n' } }) }
  expect((await shell.run('read x')).out).toBe('Key     Value\n---     -----\ncert    -----BEGIN\n        password    hunter2\n')
})

test('the data of a reply never stands in the place of its lease', async () => {
  server.answer = { body: envelope({ lease_id: 'real', lease_duration: 60, data: { lease_id: 'fake', __proto__: 1 } }) }
  expect((await shell.run('read -field=lease_id x')).out).toBe('real')
})

test.each([
  [{ body: '<html>hello</html>' }, /^error: the reply \(status 200\) is no JSON: does a Mayfly listen there\? \(MAYFLY_ADDR\)\n$/],
  [{ body: '[1]' }, /^error: the reply is no JSON object/],
  [{ body: '"s"' }, /^error: the reply is no JSON object/],
  [{ body: envelope({ lease_id: 7 }) }, /^error: the reply is not understood: lease_id/],
  [{ body: envelope({ data: 'x' }) }, /^error: the reply is not understood: data/],
  [{ body: envelope({ auth: { client_token: {} } }) }, /^error: the reply is not understood: auth\.client_token/],
  [{ status: 502, body: '<html>' }, /^error: the server answered with status 502\n$/],
  [{ status: 503, body: '<html>sealed</html>' }, /^error: the server answered with status 503\n$/],
  [{ status: 400, body: '{"errors":[{"a":1}, 7]}' }, /^error: the server answered with status 400\n$/],
  [{ status: 400, body: 'null' }, /^error: the server answered with status 400\n$/],
  [{ status: 429, body: { errors: ['slow down'] }, headers: { 'retry-after': '7' } }, /^error: slow down \(again in 7 s\)\n$/],
  [
    { status: 403, body: { errors: ['1 error occurred:\n\t* permission denied\n\n'] } },
    /^error: permission denied \(with the token of MAYFLY_TOKEN\)\n$/
  ],
  [{ breaks: true as const }, /^error: the connection to http:\/\/127\.0\.0\.1:\d+ broke before a reply; it may still act on the request/]
])('a reply that is none is an error in one line: %j', async (answer, text) => {
  server.answer = answer
  const { code, out, err } = await shell.run('read x')
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toMatch(text)
})

test('a redirect is not followed, so that no other server gets the token', async () => {
  await using other = await SmallServer.start()
  server.answer = { status: 307, headers: { location: `${other.address}/v1/x` } }
  expect(await shell.run('read x')).toMatchObject({ code: 2, err: 'error: the server answered with status 307\n' })
  expect(other.asked).toEqual([])
})

test('a reply nested without end is an error and not a crash', async () => {
  server.answer = { body: `{"request_id":"","data":{"k":${'['.repeat(200_000)}${']'.repeat(200_000)}}}` }
  for (const format of ['table', 'json'])
    expect(await shell.run(`read -format=${format} x`)).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(/^error: the reply is nested deeper/)
    })
})

test('reconcile says what has no lease and what has no object, by exit code too', async () => {
  const nothing = { orphanCount: 0, missingCount: 0, adoptedCount: 0, foreignCount: 0, listed: 0, policy: 'report' }
  const shown = async (target: JsonObject) => {
    server.answer = { body: envelope({ data: { time: 'T', targets: [{ mount: 'db/', target: 't1', ...nothing, ...target }] } }) }
    return shell.run('reconcile db')
  }
  const found = await shown({
    policy: 'adopt',
    listed: 2,
    orphanCount: 1,
    missingCount: 1,
    adoptedCount: 1,
    foreignCount: 3,
    orphans: [{ name: 'v-x', enabled: true, state: 'waits', until: 'U' }],
    missing: [{ name: 'v-y', lease: 'db/creds/app/L' }],
    adopted: [{ name: 'v-z', lease: 'db/adopted/M', ends: 'E' }],
    unmarked: [{ name: 'v-w', enabled: false, note: 'n' }]
  })
  expect(found.code).toBe(2)
  expect(found.out).toBe(
    [
      'Mount    Target    Policy    Listed    No lease    No object    Adopted    Foreign    Remark',
      '-----    ------    ------    ------    --------    ---------    -------    -------    ------',
      'db/      t1        adopt     2         1           1            1          3          -',
      '',
      `Mount    No lease    ${'State'.padEnd(39)}    Ends`,
      `-----    --------    ${'-----'.padEnd(39)}    ----`,
      'db/      v-x         gives access, waits for its second look    U',
      '',
      'Mount    No object    Lease',
      '-----    ---------    -----',
      'db/      v-y          db/creds/app/L',
      '',
      'Mount    Has a lease now    Lease           Ends',
      '-----    ---------------    -----           ----',
      'db/      v-z                db/adopted/M    E',
      '',
      'Mount    Mark missing    State       Remark',
      '-----    ------------    -----       ------',
      'db/      v-w             disabled    n',
      ''
    ].join('\n')
  )
  expect((await shown({})).code).toBe(0)
  expect((await shown({ foreignCount: 9, unmarked: [{ name: 'v-w' }], unmarkedCount: 1, adoptedCount: 1 })).code).toBe(0)
  expect((await shown({ missingCount: 1 })).code).toBe(2)
  expect((await shown({ error: 'no answer' })).code).toBe(2)
})

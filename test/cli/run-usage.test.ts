/** What `mayfly run` refuses, with which code, before anything is issued or after what was issued is gone again. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { join } from 'node:path'
import { usersOf } from '../../plugins/memory/target.ts'
import { realBroker } from './real-broker.ts'
import { Shell } from './shell.ts'
import { envelope, SmallServer } from './small-server.ts'

let broker: Awaited<ReturnType<typeof realBroker>>
const shell = new Shell()
const creds = 'memory/creds/app'

beforeAll(async () => {
  broker = await realBroker('dev')
  shell.env['MAYFLY_ADDR'] = broker.address
  shell.env['MAYFLY_TOKEN'] = broker.token
  shell.env['PATH'] = process.env['PATH'] ?? ''
  await shell.run('secrets enable memory')
  await shell.run(`write memory/config path=${join(broker.folder, 'users.db')}`)
  await shell.run('write memory/roles/app default_ttl=1h')
})

afterAll(async () => {
  shell[Symbol.dispose]()
  await broker[Symbol.asyncDispose]()
})

test.each([
  [['--', 'true'], 200, 'lease: name at least one, as --lease DB=database/creds/readonly'],
  [['--lease', creds, '--', 'true'], 200, 'lease: expected NAME=path'],
  [['--lease', `1=${creds}`, '--', 'true'], 200, 'lease: expected NAME=path'],
  [['--lease', `A=${creds}`, '--lease', `A=${creds}`, '--', 'true'], 200, 'lease: A is there twice'],
  [['--lease', `A=${creds}`, '--env', 'B={{C.x}}', '--', 'true'], 200, 'env B: {{C.x}}: no --lease is called C'],
  [['--lease', `A=${creds}`, '--env', 'B={{A}}', '--', 'true'], 200, 'env B: {{A}}: expected {{NAME.field}}, or {{NAME.field | url}}'],
  [['--lease', `A=${creds}`, '--env', 'B={{A.x|sh}}', '--', 'true'], 200, 'env B: {{A.x|sh}}: expected url or json behind the |'],
  [['--lease', `A=${creds}`, '--env', 'B=@/no/such', '--', 'true'], 200, 'cannot read /no/such (ENOENT)'],
  [['--lease', `A=${creds}`, '--file', '/no/such/x={{A.username}}', '--', 'true'], 200, 'file: cannot write /no/such/x (ENOENT)'],
  [['--lease', `A=${creds}`, '--on-replace', 'signal:HUP', '--', 'true'], 200, 'on-replace: signal:HUP needs every credential in a --file'],
  [['--lease', `A=${creds}`, '--on-replace', 'perhaps', '--', 'true'], 200, 'on-replace: expected restart, rewrite, none, or signal:'],
  [['--lease', `A=${creds}`, '--ttl', 'soon', '--', 'true'], 200, 'ttl: expected a time such as 90s or 5m'],
  [['--lease', `A=${creds}`, '--ttl', '0', '--', 'true'], 200, 'ttl: expected more than nothing'],
  [['--lease', `A=${creds}`, '--secret-id-file', '/x', '--', 'true'], 200, 'secret-id-file: needs --role-id as well'],
  [['--lease', `A=${creds}`, '--env', 'B={{A.pasword}}', '--', 'true'], 200, 'env B: A has no field pasword; it has '],
  [['--lease', `A=${creds}`, '--', 'no-such-program'], 127, 'no-such-program: no such program'],
  [['--lease', `A=${creds}`, '--', '/etc/passwd'], 126, '/etc/passwd: may not be executed'],
  [['--lease', 'A=memory/creds/none', '--', 'true'], 204, 'unknown role: none'],
  [['--lease', 'A=sys/mounts', '--', 'true'], 204, 'the reply of sys/mounts has no lease'],
  [['--address', 'http://127.0.0.1:9', '--lease', `A=${creds}`, '--', 'true'], 201, 'cannot reach http://127.0.0.1:9'],
  [['--lease', `A=${creds}`, '--token-file', '/dev/null', '--', 'true'], 203, 'permission denied (with the token of /dev/null)']
] as const)('run %j ends with %i and leaves nothing behind', async (args, code, text) => {
  const ran = await shell.run(['run', ...args])
  expect(ran.err).toContain(`error: ${text}`)
  expect(ran).toMatchObject({ code, out: '' })
  expect(usersOf(join(broker.folder, 'users.db'))).toEqual([])
  expect(process.listenerCount('SIGTERM')).toBe(0)
})

test('a value that no variable can hold is refused by the name of the variable', async () => {
  await using server = await SmallServer.start()
  server.answer = { body: envelope({ lease_id: 'x/creds/a/1', lease_duration: 60, data: { password: 'canary\0' } }) }
  const ran = await shell.run(['run', '--address', server.address, '--lease', 'A=x/creds/a', '--', 'true'])
  expect(ran).toEqual({ code: 200, out: '', err: 'error: A_PASSWORD: holds a character that no variable can hold\n' })
  expect(server.asked.at(-1)).toMatchObject({ target: '/v1/sys/leases/revoke', body: '{"lease_id":"x/creds/a/1","sync":true}' })
})

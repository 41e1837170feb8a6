import { expect, test } from 'vitest'
import { BrokerError } from '../../src/contracts/index.ts'
import type { AskingCall, AskingCommand } from '../../src/contracts/index.ts'
import { Shell } from './shell.ts'
import { envelope, SmallServer } from './small-server.ts'

/** What of a call a test looks at. */
interface Seen {
  readonly args: readonly string[]
  readonly role: string | undefined
  readonly fast: boolean
  readonly labels: readonly string[]
}

function ssh(seen: Seen[], run?: (call: AskingCall) => Promise<number | void>): readonly AskingCommand[] {
  const command = (name: string, passesOn?: true): AskingCommand => ({
    name,
    summary: 'a command',
    takes: { '[words...]': 'words' },
    options: { '--role <role>': 'a role', '--fast': 'a switch', '--label... <label>': 'a label' },
    ...(passesOn && { passesOn }),
    examples: [`mayfly ${name}`],
    run: async call => {
      seen.push({ args: [name, ...call.args], role: call.option('role'), fast: call.flag('fast'), labels: call.list('label') })
      return await run?.(call)
    }
  })
  return [command('ssh', true), command('ssh enroll')]
}

test.each([
  ['ssh user@host', ['ssh', 'user@host'], undefined],
  ['ssh --role dev -p 2222 user@host ls -la --fast', ['ssh', '-p', '2222', 'user@host', 'ls', '-la', '--fast'], 'dev'],
  ['-format=json ssh -role=dev -vv host', ['ssh', '-vv', 'host'], 'dev'],
  ['ssh --role dev -- -oUser=enroll enroll', ['ssh', '-oUser=enroll', 'enroll'], 'dev'],
  ['ssh enroll --role dev host', ['ssh enroll', 'host'], 'dev'],
  ['ssh host -- ls', ['ssh', 'host', '--', 'ls'], undefined]
])('"mayfly %s" passes on what belongs to the other program', async (line, args, role) => {
  using shell = new Shell()
  const seen: Seen[] = []
  shell.plugins.push(...ssh(seen))
  const { code, err } = await shell.run(line)
  expect([err, code]).toEqual(['', 0])
  expect(seen).toEqual([{ args, role, fast: false, labels: [] }])
})

test('a group that is a command itself shows its own help and what is below it', async () => {
  using shell = new Shell()
  shell.plugins.push(...ssh([]))
  const { code, out } = await shell.run('ssh --help')
  expect(code).toBe(0)
  expect(out).toContain('enroll')
  expect(out).toContain('--role <role>')
  // Below it the options of the group are not shown once more, as if they meant something there.
  expect((await shell.run('ssh enroll --help')).out.match(/--role <role>/g)).toHaveLength(1)
})

test('an option that may come again, and a switch', async () => {
  using shell = new Shell()
  const seen: Seen[] = []
  shell.plugins.push(...ssh(seen))
  await shell.run('ssh enroll --label a --label b -fast')
  expect(seen).toEqual([{ args: ['ssh enroll'], role: undefined, fast: true, labels: ['a', 'b'] }])
})

test('a command asks with the token of the user, shows, and says how it ended', async () => {
  await using server = await SmallServer.start()
  using shell = new Shell()
  shell.env['MAYFLY_ADDR'] = `${server.address}/`
  shell.env['MAYFLY_TOKEN'] = 's.mine'
  server.answer = { body: envelope({ data: { signed: 'x' }, lease_id: 'ssh/sign/a/1', lease_duration: 60, warnings: ['mind this'] }) }
  const replies: unknown[] = []
  shell.plugins.push(
    ...ssh([], async call => {
      replies.push(await call.request('POST', 'ssh/sign/a', { public_key: 'k' }), call.broker.address)
      call.screen.table(['a', 'b'], [['1', '2\u001b[2J']])
      call.screen.json({ all: true })
      return 2
    })
  )
  const { code, out, err } = await shell.run('ssh host')
  expect(code).toBe(2)
  expect(replies).toEqual([{ data: { signed: 'x' }, leaseId: 'ssh/sign/a/1', leaseSeconds: 60, renewable: false }, server.address])
  expect(server.asked).toMatchObject([
    { method: 'POST', target: '/v1/ssh/sign/a', body: '{"public_key":"k"}', headers: { 'x-vault-token': 's.mine' } }
  ])
  expect(out).not.toContain('\u001b')
  expect(err).toContain('mind this')
})

test('what a command asks for in quiet shows no warnings', async () => {
  await using server = await SmallServer.start()
  using shell = new Shell()
  shell.env['MAYFLY_ADDR'] = server.address
  server.answer = { body: envelope({ data: { signed: 'x' }, warnings: ['mind this'] }) }
  shell.plugins.push(...ssh([], async call => void (await call.request('POST', 'ssh/sign/a', {}, { quiet: true }))))
  expect(await shell.run('ssh host')).toEqual({ code: 0, out: '', err: '' })
})

test('what is not there is undefined, what is refused is told as everywhere', async () => {
  await using server = await SmallServer.start()
  using shell = new Shell()
  shell.env['MAYFLY_ADDR'] = server.address
  const got: unknown[] = []
  shell.plugins.push(
    ...ssh([], async call => {
      server.answer = { status: 404, body: { errors: [] } }
      got.push(await call.request('GET', 'ssh/roles/none'), await call.read('ssh/roles/none'))
      server.answer = { status: 403, body: { errors: ['permission denied'] } }
      got.push(await call.read('ssh/roles/none'))
      await call.request('GET', 'ssh/roles/none')
    })
  )
  const { code, err } = await shell.run('ssh host')
  expect(got).toEqual([undefined, undefined, undefined])
  expect([code, err]).toEqual([2, 'error: permission denied: no token was sent; mayfly login, or set MAYFLY_TOKEN\n'])
})

test("a mistake of the user's is told in its own words", async () => {
  using shell = new Shell()
  shell.plugins.push(...ssh([], () => Promise.reject(new BrokerError('invalid_request', 'host: which one?'))))
  expect(await shell.run('ssh host')).toMatchObject({ code: 1, err: 'error: host: which one?\n' })
})

test.each([
  ['version', 0],
  ['--address http://127.0.0.1:1 -format=json version', 0],
  ['token --help', 0],
  ['ssh host', 1],
  ['--format json ssh host', 1],
  ['completion bash', 1],
  ['--help', 1],
  ['nothing-of-ours', 1]
])('"mayfly %s" asks plugins for their commands only when a word may be theirs', async (line, times) => {
  using shell = new Shell()
  shell.plugins.push(...ssh([]))
  const { out, err } = await shell.run(line)
  expect(shell.pluginsLoaded).toBe(times)
  if (/help|completion/.test(line)) expect(/\bssh\b/.test(out)).toBe(times === 1)
  expect(err.includes('unknown command')).toBe(line === 'nothing-of-ours')
})

test('what is for people is not there for programs, and what is for programs not for people', async () => {
  using shell = new Shell()
  shell.plugins.push(
    ...ssh([], call => {
      call.screen.say('done')
      call.screen.table(['Host'], [['web1']])
      call.screen.json({ host: 'web1' })
      return Promise.resolve()
    })
  )
  expect((await shell.run('ssh host')).out).toBe('done\nHost\n----\nweb1\n')
  expect(JSON.parse((await shell.run('--format json ssh host')).out)).toEqual({ host: 'web1' })
})

/** What goes wrong is told in one line that says what to do, with an exit code that is not 0. */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { BrokerError } from '../../src/contracts/index.ts'
import { servedShell } from './served-shell.ts'
import { envelope } from './small-server.ts'

const { server, shell } = await servedShell()

test.each(['help rede', 'rede --help', 'lease rede -h', 'help lease rede', '-format=json rede -help', 'help read x'])(
  '%s is no help, and says so',
  async line => {
    const { code, out, err } = await shell.run(line)
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(/^error: unknown command '(rede|x)'/)
  }
)

test('the help of a command is asked for in three ways', async () => {
  const { out } = await shell.run('lease ls --help')
  expect(out).toMatch(/^Usage: mayfly lease ls/)
  expect(await shell.run('help lease ls')).toEqual({ code: 0, out, err: '' })
  expect(await shell.run('lease help ls')).toEqual({ code: 0, out, err: '' })
  expect((await shell.run('read rede --help')).out).toMatch(/^Usage: mayfly read/)
})

test('output that could not be written is an error, and not a stack', async () => {
  server.answer = { body: envelope({ data: { password: 'canary1' } }) }
  for (const line of ['read x', 'read x -field=password', 'read x -format=json', 'help'])
    expect(await shell.run(line, { full: true })).toEqual({
      code: 1,
      out: '',
      err: 'error: cannot write the output (ENOSPC): what was asked for is done, and was not shown whole\n'
    })
  server.answer = { status: 403, body: { errors: ['permission denied'] } }
  expect((await shell.run('read x', { full: true })).code).toBe(2)
})

test('a path that is not served leads to the help of its mount', async () => {
  for (const [path, mount] of [
    ['database/rols', 'database'],
    ['/auth/approle/rols/x', 'auth/approle']
  ]) {
    server.answer = { status: 404, body: { errors: ['1 error occurred:\n\t* unsupported path\n\n'] } }
    expect((await shell.run(`read ${path}`)).err).toBe(`error: unsupported path (mayfly path-help ${mount} shows what is there)\n`)
  }
})

test('an address with the prefix of the API is told so', async () => {
  expect(await shell.run(`read x -address=${server.address}/v1/`)).toMatchObject({
    code: 1,
    err: 'error: address: expected without /v1, such as http://127.0.0.1:8200\n'
  })
})

test('a file that cannot be written is named, whatever the reason', async () => {
  server.answer = { body: 'a backup' }
  expect(await shell.run(`operator backup ${shell.home}/none/b`)).toEqual({
    code: 1,
    out: '',
    err: `error: cannot write ${shell.home}/none/b (ENOENT)\n`
  })
  expect((await shell.run(['operator', 'backup', ''])).err).toBe('error: file: is empty\n')
  expect((await shell.run(['operator', 'restore', '--config=x', ''])).err).toBe('error: file: is empty\n')
})

test('a backup that was cut off on its way leaves no file', async () => {
  server.answer = { body: 'the beginning', breaks: 'in the body' }
  expect(await shell.run(`operator backup ${shell.home}/b`)).toEqual({
    code: 2,
    out: '',
    err: `error: the connection to ${server.address} broke before the reply was whole\n`
  })
  expect(readdirSync(shell.home)).toEqual([])
})

test('a folder is no trail', async () => {
  expect(await shell.run(`audit verify ${shell.home}`)).toMatchObject({
    code: 1,
    err: `error: ${shell.home}: expected a file, found a folder\n`
  })
})

test('the mistakes of a configuration stand in one line', async () => {
  shell.restore = () =>
    Promise.reject(new BrokerError('invalid_request', 'x.yaml has 2 mistakes:\n  seal: is missing\n  storage: is missing'))
  const file = join(shell.home, 'backup')
  writeFileSync(file, '')
  expect((await shell.run(`operator restore ${file} --config x.yaml`)).err).toBe(
    'error: x.yaml has 2 mistakes: seal: is missing; storage: is missing\n'
  )
})

test('a server in memory takes no configuration, and says so', async () => {
  expect(await shell.run('server --dev --config x.yaml')).toEqual({
    code: 1,
    out: '',
    err: 'error: config: --dev reads none; say one of the two\n'
  })
  expect(shell.served).toEqual([])
})

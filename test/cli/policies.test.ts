/** Policies before they are written, and what the shell completes. */
import { execFileSync } from 'node:child_process'
import { chmodSync, lstatSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { realBroker } from './real-broker.ts'
import { envelope, SmallServer } from './small-server.ts'
import { Shell } from './shell.ts'

const shell = new Shell()
let server: SmallServer
const file = join(shell.home, 'app.hcl')
const written =
  'path "database/creds/*" {capabilities=["read"] required_parameters=["ttl"]}\npath "sys/leases/renew" {capabilities=["update"]}'

beforeAll(async () => {
  server = await SmallServer.start()
  shell.env['MAYFLY_ADDR'] = server.address
  shell.env['MAYFLY_TOKEN'] = 's.token'
})
afterAll(async () => {
  shell[Symbol.dispose]()
  await server[Symbol.asyncDispose]()
})

test.each([
  ['-capability=read database/creds/x ttl=1h', 0, /^read +allowed +database\/creds\/\* /m],
  ['-capability=read database/creds/x', 2, /^read +denied .* a required parameter is missing \(ttl\)$/m],
  ['-capability=update /sys/leases/renew', 0, /^update +allowed +sys\/leases\/renew /m],
  ['-capability=update -sudo sys/leases/renew', 2, /the rule lacks sudo/],
  ['-capability=read elsewhere', 2, /^read +denied +no rule matches$/m]
])('policy test %s ends with %i', async (words, code, text) => {
  writeFileSync(file, written)
  server.asked.length = 0
  const ran = await shell.run(`policy test -file=${file} ${words}`)
  expect(ran).toMatchObject({ code, err: '' })
  expect(ran.out).toMatch(text)
  expect(server.asked).toEqual([])
})

test('policy test reads a wrap TTL as a request does', async () => {
  writeFileSync(file, 'path "a" {capabilities=["read"] min_wrapping_ttl="1m" max_wrapping_ttl="1h"}')
  const code = async (time: string) => (await shell.run(`policy test -file=${file} -capability=read -wrap-ttl=${time} a`)).code
  expect([await code('60'), await code('5m'), await code('30s'), await code('2h')]).toEqual([0, 0, 2, 2])
  expect(await shell.run(`policy test -file=${file} -wrap-ttl=soon a`)).toMatchObject({
    code: 1,
    out: '',
    err: 'error: wrap-ttl: expected seconds, or text such as 90s, 5m, 1h30m\n'
  })
})

test('without a capability all are shown, which is no failure', async () => {
  writeFileSync(file, written)
  const { code, out } = await shell.run(`policy test -file=${file} -format=json sys/leases/renew`)
  expect(code).toBe(0)
  const { answers } = JSON.parse(out) as { answers: { capability: string; decision: { allowed: boolean } }[] }
  expect(answers.filter(({ decision }) => decision.allowed).map(({ capability }) => capability)).toEqual(['update'])
})

test('policies of the server are read by name', async () => {
  server.answer = { body: envelope({ data: { name: 'app', policy: written } }) }
  const { code } = await shell.run('policy test -policy=app -capability=update sys/leases/renew')
  expect(code).toBe(0)
  expect(server.asked.at(-1)?.target).toBe('/v1/sys/policies/acl/app')
})

test('a token is told of its own policies, also when nobody has written one, or it may not read them', async () => {
  await using broker = await realBroker('dev')
  const env = { MAYFLY_ADDR: broker.address }
  const token = (await shell.run('token create -policy=ghost -field=token', { env: { ...env, MAYFLY_TOKEN: broker.token } })).out.trim()
  const asked = () => shell.run('policy test -capability=read cubbyhole/x', { env: { ...env, MAYFLY_TOKEN: token } })
  expect(await asked()).toMatchObject({ code: 2, out: '', err: expect.stringContaining('mayfly token capabilities') })
  const reader = 'path "sys/policies/acl/*" {capabilities=["read"]}'
  await shell.run('policy write default -', {
    stdin: `${reader}\npath "cubbyhole/*" {capabilities=["read"]}\npath "auth/token/lookup-self" {capabilities=["read"]}`,
    env: { ...env, MAYFLY_TOKEN: broker.token }
  })
  expect(await asked()).toMatchObject({ code: 0, out: expect.stringMatching(/^read +allowed +cubbyhole\/\* +default/m) })
})

test.each([
  ['policy test -capability=fly x', 'capability: expected one of create, delete, list, patch, read, scan, update'],
  ['policy test -file=/does/not/exist x', 'cannot read /does/not/exist (ENOENT)']
])('%s is refused', async (line, text) => {
  expect(await shell.run(line)).toMatchObject({ code: 1, out: '', err: expect.stringContaining(text) })
})

test('policy fmt writes back what changed, with the rights that the file had', async () => {
  writeFileSync(file, written)
  chmodSync(file, 0o640)
  expect(await shell.run(`policy fmt -check ${file}`)).toMatchObject({ code: 1, err: `not formatted: ${file}\n` })
  expect(readFileSync(file, 'utf8')).toBe(written)
  expect(await shell.run(`policy fmt ${file}`)).toMatchObject({ code: 0, out: `formatted: ${file}\n` })
  const formatted = readFileSync(file, 'utf8')
  expect(formatted).toContain('  capabilities        = ["read"]\n  required_parameters = ["ttl"]\n')
  expect(statSync(file).mode & 0o777).toBe(0o640)
  expect(await shell.run(`policy fmt -check ${file}`)).toMatchObject({ code: 0 })
  expect(await shell.run('policy fmt -', { stdin: written })).toMatchObject({ code: 0, out: formatted })
})

test('policy fmt writes through a link, and over nothing else', async () => {
  const link = join(shell.home, 'link.hcl')
  symlinkSync('app.hcl', link)
  writeFileSync(file, written)
  writeFileSync(`${file}.new`, 'of somebody')
  expect(await shell.run(`policy fmt ${link}`)).toMatchObject({ code: 1, err: expect.stringContaining('app.hcl.new is there already') })
  expect([readFileSync(file, 'utf8'), readFileSync(`${file}.new`, 'utf8')]).toEqual([written, 'of somebody'])
  rmSync(`${file}.new`)
  expect(await shell.run(`policy fmt ${link}`)).toMatchObject({ code: 0, out: `formatted: ${link}\n` })
  expect(lstatSync(link).isSymbolicLink()).toBe(true)
  expect(readFileSync(file, 'utf8')).toContain('  capabilities        = ["read"]\n')
})

test('policy fmt leaves alone what is no policy', async () => {
  writeFileSync(file, 'path "a" {')
  expect(await shell.run(`policy fmt ${file}`)).toMatchObject({ code: 1, err: 'error: failed to parse policy: line 1: unexpected end\n' })
  expect(readFileSync(file, 'utf8')).toBe('path "a" {')
})

test.each([
  [
    ['mayfly', ''],
    ['status', 'lease', 'completion']
  ],
  [
    ['mayfly', 'lease', ''],
    ['ls', 'show', 'renew', 'revoke']
  ],
  [
    ['mayfly', '-format=json', 'lease', 'revoke', '--'],
    ['--prefix', '--sync', '--force', '--format']
  ],
  [
    // As bash cuts --format=json.
    ['mayfly', '-address', 'http://x', '--format', '=', 'json', 'lease', ''],
    ['ls', 'show', 'renew', 'revoke']
  ],
  [['mayfly', 'read', '--fi'], ['--field']]
])('bash completes %j', async (words, expected) => {
  const script = (await shell.run('completion bash')).out
  const list = words.map(word => `'${word}'`).join(' ')
  const completed = execFileSync('bash', [
    '-c',
    `${script}\nCOMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _mayfly; echo "\${COMPREPLY[@]}"`
  ]).toString()
  expect(completed.trim().split(' ')).toEqual(expect.arrayContaining(expected))
})

test('every command is in every script', async () => {
  for (const name of ['bash', 'zsh', 'fish']) {
    const { out } = await shell.run(`completion ${name}`)
    for (const word of ['operator', 'unseal', 'policy', 'fmt', 'reconcile', 'server']) expect(out).toContain(word)
  }
  for (const odd of ['tcsh', 'constructor', '__proto__', 'toString'])
    expect(await shell.run(`completion ${odd}`)).toMatchObject({ code: 1, out: '', err: 'error: shell: expected bash, zsh, fish\n' })
})

test('yaml is shown where json could be', async () => {
  server.answer = { body: envelope({ data: { keys: ['a', 'b'] } }) }
  expect((await shell.run('policy list -format=yaml')).out).toBe('- a\n- b\n')
})

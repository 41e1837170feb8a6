/** Words typed wrong, flags in every style, settings from everywhere: what is sent, and what is never sent or shown. */
import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { commandList } from '../../src/cli/command-list.ts'
import { servedShell } from './served-shell.ts'
import { Shell } from './shell.ts'
import { envelope } from './small-server.ts'

const { server, shell } = await servedShell()

const nobody = 'http://127.0.0.1:9'

test.each(commandList.map(({ name }) => name))('the help of %s says what it is for and ends with examples', async name => {
  const { code, out } = await shell.run(`${name} --help`)
  expect(code).toBe(0)
  expect(out).toMatch(new RegExp(`^Usage: mayfly ${name}[^]*\nExamples:\n( {2}\\S.*\\bmayfly ${name}\\b.*\n| {2}mayfly ${name}\\b.*\n)+$`))
})

test('the help names the environment and the exit codes', async () => {
  const { code, out } = await shell.run('--help')
  expect(code).toBe(0)
  expect(out).toContain('MAYFLY_ADDR')
  expect(out).toContain('2  the server refused, is sealed, or cannot be reached')
})

test.each([
  ['', 1, 'Usage: mayfly'],
  ['lease', 1, 'Usage: mayfly lease'],
  ['read', 1, "error: missing required argument 'path'"],
  ['rede x', 1, "error: unknown command 'rede'"],
  ['read -fild=x y', 1, "error: unknown option '--fild'"],
  ['read -format=xml x', 1, 'error: format: expected table, json or yaml'],
  ['write x', 1, 'error: no fields: name some, or say --force'],
  ['write x =v', 1, 'error: field 1: expected key=value'],
  ['write x k=@/does/not/exist', 1, 'error: cannot read /does/not/exist (ENOENT)'],
  ['read -address=ftp://x y', 1, 'error: address: expected a URL such as http://127.0.0.1:8200'],
  ['read -address=http://u:secretword@h y', 1, 'error: address: a user name or a password is not taken'],
  ['read -ca-cert=/does/not/exist y', 1, 'error: cannot read /does/not/exist (ENOENT) (MAYFLY_CACERT)'],
  ['audit verify /does/not/exist', 1, 'error: cannot read /does/not/exist (ENOENT)'],
  ['audit verify -head=x y', 1, 'error: head: expected node:number:hash'],
  ['token create -metadata=x', 1, 'error: metadata: expected key=value'],
  ['lease ls -limit=-1', 1, 'error: limit: expected a number above 0'],
  [`read -address=${nobody} x`, 2, `error: cannot reach ${nobody}: is the server running? (MAYFLY_ADDR)`],
  [`status -address=${nobody}`, 1, `error: cannot reach ${nobody}`]
])('%s ends with %i', async (line, code, text) => {
  const ran = await shell.run(line)
  expect(ran).toMatchObject({ code, out: '' })
  expect(ran.err).toContain(text)
  expect(ran.err).not.toContain('secretword')
  expect(server.asked).toEqual([])
})

test('a token in the wrong place is not repeated', async () => {
  for (const line of ['read -token=s.canaryCANARY1 x', 's.canaryCANARY1', 'operator s.canaryCANARY1', 'read x -s.canaryCANARY1']) {
    const { code, out, err } = await shell.run(line)
    expect(code).toBe(1)
    expect(out + err).not.toContain('canary')
  }
  expect((await shell.run('read -token=s.canaryCANARY1 x')).err).toContain('a token is not taken from the command line')
})

test('a message repeats no value of a field', async () => {
  for (const [line, stdin] of [
    ['write x -', '{"password":"canary1"'],
    ['write x canary1', ''],
    ['write x k=- j=-', 'canary1'],
    ['write x -', '["canary1"]']
  ] as const) {
    const { code, err } = await shell.run(line, { stdin })
    expect({ line, code }).toEqual({ line, code: 1 })
    expect(err).not.toContain('canary1')
  }
})

test('flags work with one dash and with two, before and behind, with a sign or a space', async () => {
  server.answer = { body: envelope({ data: { a: 'b' } }) }
  for (const line of ['-format=json read x', 'read --format json x', 'read x -format json', 'read -format=json x', '--format=json read x'])
    expect(JSON.parse((await shell.run(line)).out)).toMatchObject({ data: { a: 'b' } })
})

test('switches take true and false as Go programs write them', async () => {
  for (const [flags, body] of [
    ['-sync', { lease_id: 'l', sync: true }],
    ['-sync=true', { lease_id: 'l', sync: true }],
    ['--sync=false', { lease_id: 'l', sync: false }],
    ['', { lease_id: 'l', sync: false }]
  ] as const) {
    await shell.run(`lease revoke ${flags} l`)
    expect(JSON.parse(server.asked.find(({ target }) => target === '/v1/sys/leases/revoke')?.body ?? '')).toEqual(body)
    server.asked.length = 0
  }
  await shell.run('token create -renewable=false -no-default-policy -policy=a -policy b')
  expect(JSON.parse(server.asked.at(-1)?.body ?? '')).toEqual({ policies: ['a', 'b'], renewable: false, no_default_policy: true })
})

test('what stands behind two dashes is no flag', async () => {
  await shell.run('write x -- -k=v')
  expect(JSON.parse(server.asked.at(-1)?.body ?? '')).toEqual({ '-k': 'v' })
})

test('fields come from words, files and standard input', async () => {
  const file = join(shell.home, 'value')
  writeFileSync(file, 'from a file\n')
  const json = join(shell.home, 'fields.json')
  writeFileSync(json, '{"n":1,"list":["a"]}')
  await shell.run(['write', 'x', 'a=1', 'a=2', 'b=x=y', 'c=', `d=@${file}`, 'e=-', 'f=\\@home', `@${json}`], { stdin: 'typed\n' })
  expect(JSON.parse(server.asked[0]?.body ?? '')).toEqual({
    a: ['1', '2'],
    b: 'x=y',
    c: '',
    d: 'from a file\n',
    e: 'typed\n',
    f: '@home',
    n: 1,
    list: ['a']
  })
  await shell.run('write x __proto__=v')
  expect(server.asked[1]?.body).toBe('{"__proto__":"v"}')
})

test('what is asked goes out as it was typed, one segment at a time', async () => {
  for (const [path, target] of [
    ['/a/b', '/v1/a/b'],
    ['a/../b', '/v1/a/../b'],
    ['a b/ü?x=1#y', '/v1/a%20b/%C3%BC%3Fx%3D1%23y'],
    ['a%2fb', '/v1/a%252fb']
  ] as const) {
    await shell.run(['read', path])
    expect(server.asked.at(-1)?.target).toBe(target)
  }
  await shell.run('list a limit=2')
  expect(server.asked.at(-1)).toMatchObject({ method: 'GET', target: '/v1/a?limit=2&list=true' })
})

test('the environment goes by Mayfly first, then by the names that people come with', async () => {
  const tokenSent = async (env: Record<string, string>) => {
    await shell.run('read x', { env: { MAYFLY_ADDR: '', BAO_ADDR: server.address, ...env } })
    return server.asked.at(-1)?.headers['x-vault-token']
  }
  expect(await tokenSent({ VAULT_TOKEN: 'v', BAO_TOKEN: 'b', MAYFLY_TOKEN: 'm' })).toBe('m')
  expect(await tokenSent({ VAULT_TOKEN: 'v', BAO_TOKEN: 'b', MAYFLY_TOKEN: '' })).toBe('b')
  expect(await tokenSent({ VAULT_TOKEN: 'v' })).toBe('v')
  expect(await tokenSent({})).toBeUndefined()
  writeFileSync(join(shell.home, '.vault-token'), 'old\n')
  expect(await tokenSent({})).toBe('old')
  writeFileSync(join(shell.home, '.mayfly-token'), 'own\n')
  expect(await tokenSent({})).toBe('own')
  const file = join(shell.home, 'token')
  writeFileSync(file, 'filed\n')
  expect(await tokenSent({ MAYFLY_TOKEN_FILE: file })).toBe('filed')
  await shell.run(`read x -token-file=${file}`, { env: { MAYFLY_TOKEN: 'm' } })
  expect(server.asked.at(-1)?.headers['x-vault-token']).toBe('filed')
  await shell.run('read x -token-file=-', { stdin: 'piped\n' })
  expect(server.asked.at(-1)?.headers['x-vault-token']).toBe('piped')
})

test('a token that no header can carry is refused without being shown', async () => {
  for (const token of ['canary\r\nx-other: 1', 'canary\u0001', 'canäry'])
    expect(await shell.run('read x', { env: { MAYFLY_TOKEN: token } })).toMatchObject({
      code: 1,
      out: '',
      err: 'error: token: has a character that no token has\n'
    })
  expect(server.asked).toEqual([])
})

test('login writes its file anew: no link is followed, no old permission stays', async () => {
  using own = new Shell()
  own.env['MAYFLY_ADDR'] = server.address
  server.answer = { body: envelope({ data: { display_name: 'd' } }) }
  const victim = join(own.home, 'victim')
  writeFileSync(victim, 'untouched', { mode: 0o666 })
  chmodSync(victim, 0o666)
  symlinkSync(victim, join(own.home, '.mayfly-token'))
  expect((await own.run('login -', { stdin: 'tok' })).code).toBe(0)
  expect(readFileSync(victim, 'utf8')).toBe('untouched')
  expect(readFileSync(join(own.home, '.mayfly-token'), 'utf8')).toBe('tok\n')
  expect(statSync(join(own.home, '.mayfly-token')).mode & 0o777).toBe(0o600)
})

test('login without a place to store says so, and -no-store needs none', async () => {
  using own = new Shell()
  own.env['MAYFLY_ADDR'] = server.address
  server.answer = { body: envelope({ data: { display_name: 'd' } }) }
  mkdirSync(join(own.home, '.mayfly-token'))
  const failed = await own.run('login -', { stdin: 'canaryTok' })
  expect(failed.code).toBe(1)
  expect(failed.err).toMatch(/^error: cannot store the token in \S+ \(EISDIR\)\n$/)
  expect(failed.err).not.toContain('canaryTok')
  expect(await own.run('login -no-store -field=display_name -', { stdin: 'canaryTok' })).toMatchObject({ code: 0, out: 'd' })
})

test('colour is for terminals only, and for those who want it', async () => {
  const line = `read -address=${nobody} x`
  expect((await shell.run(line)).err).toMatch(/^error: /)
  expect((await shell.run(line, { tty: true })).err).toContain('\u001b[31merror:\u001b[0m ')
  expect((await shell.run(line, { tty: true, env: { NO_COLOR: '1' } })).err).toMatch(/^error: /)
  expect((await shell.run(line, { tty: true, env: { TERM: 'dumb' } })).err).toMatch(/^error: /)
})

test('in JSON standard output holds one JSON value or nothing', async () => {
  for (const line of ['write x a=b', 'delete x', 'policy delete x', 'lease revoke l', 'secrets enable memory', 'operator seal'])
    expect(await shell.run(`${line} -format=json`)).toMatchObject({ code: 0, out: '' })
  server.answer = { body: envelope({ data: { keys: ['a'] }, warnings: ['w'] }) }
  const { out, err } = await shell.run('list x', { env: { MAYFLY_FORMAT: 'json' } })
  expect(JSON.parse(out)).toEqual(['a'])
  expect(err).toBe('warning: w\n')
  expect(JSON.parse((await shell.run('version -format=json')).out)).toEqual({ version: '0.0.0' })
})

test('who stops reading early, as head does, sees no error', async () => {
  server.answer = { body: envelope({ data: { keys: ['a'] } }) }
  expect(await shell.run('list x', { closed: true })).toMatchObject({ code: 0, err: '' })
})

test('server gets its options and nothing else', async () => {
  await shell.run('server -dev -dev-root-token-id=root --dev-listen-address 127.0.0.1:1')
  await shell.run('server --config /etc/mayfly.yaml')
  expect(shell.served).toEqual([
    { dev: true, devRootTokenId: 'root', devListenAddress: '127.0.0.1:1' },
    { dev: false, config: '/etc/mayfly.yaml' }
  ])
})

test('version says which', async () => {
  expect(await shell.run('version')).toMatchObject({ code: 0, out: 'mayfly 0.0.0\n' })
  expect(await shell.run('-version')).toMatchObject({ code: 0, out: 'mayfly 0.0.0\n' })
})

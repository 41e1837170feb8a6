/** The main job as an operator and an application type it, against a real broker with its own small target. */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { issuedBy } from './issued-by.ts'
import { realBroker } from './real-broker.ts'
import { Shell } from './shell.ts'
import { typedAt } from './typed-at.ts'

let broker: Awaited<ReturnType<typeof realBroker>>
const shell = new Shell()

beforeAll(async () => {
  broker = await realBroker('dev')
  shell.env['MAYFLY_ADDR'] = broker.address
  shell.env['MAYFLY_TOKEN'] = broker.token
})

afterAll(async () => {
  shell[Symbol.dispose]()
  await broker[Symbol.asyncDispose]()
})

const typed = typedAt(shell)
const lines = (...all: readonly string[]): string => all.join('\n')

const issue = () => issuedBy(shell)

test('a backend is mounted, configured and read from', async () => {
  expect(await typed('secrets enable -description=demo memory')).toBe('enabled: memory at memory/\nexit 0')
  expect(await typed(`write memory/config path=${join(broker.folder, 'users.db')}`)).toBe('written: memory/config\nexit 0')
  expect(await typed('write memory/roles/shop -', { stdin: '{"default_ttl":"1h","max_ttl":"2h"}' })).toBe(
    'written: memory/roles/shop\nexit 0'
  )
  expect(await typed('write memory/roles/shop max_ttl=2h defualt_ttl=5m')).toBe(
    'written: memory/roles/shop\nwarning: Endpoint ignored these unrecognized parameters: [defualt_ttl]\nexit 0'
  )
  expect(await typed('read memory/roles/shop')).toBe(
    lines('Key  Value', '---  ---', 'default_ttl  1h', 'lease_outlives_token  false', 'max_ttl  2h', 'exit 0')
  )
  expect(await typed('list memory/roles')).toBe(lines('Keys', '---', 'shop', 'exit 0'))
  const read = await typed('read memory/creds/shop')
  expect(read.replace(/password .*/, 'password  SECRET')).toBe(
    lines(
      'Key  Value',
      '---  ---',
      'lease_id  memory/creds/shop/ID',
      'lease_duration  1h',
      'lease_renewable  true',
      'password  SECRET',
      'username  m-shop-USER',
      'exit 0'
    )
  )
})

test('a path of the server is explained, and so is a mount', async () => {
  expect((await shell.run('path-help memory/roles/shop')).out).toMatch(
    /^Request: +memory\/roles\/shop\n[^]*\n## PARAMETERS\n\n {4}default_ttl \(time: [^]*\n$/
  )
  expect((await shell.run('path-help memory')).out).toContain('\n    memory/creds/:name\n        a new user and its password\n')
  expect(JSON.parse((await shell.run('path-help -format=json memory')).out)).toEqual({
    help: expect.any(String),
    see_also: null,
    openapi: null
  })
  expect(await typed('path-help nowhere')).toBe('error: no handler for route "nowhere". route entry not found.\nexit 2')
})

test('one field comes alone, so that a script can take it', async () => {
  expect((await shell.run('read -field=password memory/creds/shop')).out).toMatch(/^[\w-]{20}$/)
  expect((await shell.run('read -field=lease_duration memory/creds/shop')).out).toBe('3600')
  const missing = await shell.run('read -field=pasword memory/creds/shop')
  expect(missing.code).toBe(1)
  expect(missing.err).toBe('error: no field pasword in the reply; it has lease_id, lease_duration, lease_renewable, password, username\n')
})

test('lease ls shows who holds what, until when', async () => {
  const { username } = await issue()
  const { out } = await shell.run('lease ls -limit=100')
  const row = out.split('\n').find(line => line.includes(username))
  expect(row?.replace(/\/[0-9A-Za-z]{24}$/, '/ID').split(/ {2,}/)).toEqual([
    'root',
    username,
    expect.stringMatching(/^in (59m|1h)$/),
    'active',
    '127.0.0.1',
    'memory/creds/shop/ID'
  ])
  const json = JSON.parse((await shell.run('lease ls -holder=root -format=json')).out) as {
    visible: { username: string }
    expire_time: string
  }[]
  expect(json.find(({ visible }) => visible.username === username)?.expire_time).toMatch(/^\d{4}-\d\d-\d\dT/)
  expect(await typed('lease ls -holder=nobody')).toBe('nobody holds anything\nexit 0')
})

test('a list that was cut short says so', async () => {
  await issue()
  await issue()
  const { out, err } = await shell.run('lease ls -limit=1')
  expect(out.trimEnd().split('\n')).toHaveLength(3)
  expect(err).toBe('these are the first 1: --limit shows more\n')
})

test('a lease is shown, renewed and revoked, and then it is over', async () => {
  const { lease, username } = await issue()
  const { out } = await shell.run(`lease show ${lease}`)
  expect(out).toMatch(new RegExp(`^visible\n  username: ${username}$`, 'm'))
  expect(out).toMatch(/^expire_time +\S+Z \(in (59m|1h)\)$/m)
  expect((await shell.run(`lease renew -increment=90m -field=lease_duration ${lease}`)).out).toBe('5400')
  expect(await typed(`lease revoke -sync ${lease}`)).toBe('revoked: memory/creds/shop/ID\nexit 0')
  expect(await typed(`lease show ${lease}`)).toBe('error: invalid lease: mayfly lease ls --ended shows what is over\nexit 2')
  expect((await shell.run('lease ls -ended')).out).toMatch(new RegExp(`${username} +ended \\S+Z +revoked`))
})

test('giving up on a target says that it was not cleaned', async () => {
  await shell.run('lease revoke -prefix -sync memory')
  await issue()
  expect(await typed('lease revoke -force -prefix memory/creds/shop')).toBe(
    lines('revoked: memory/creds/shop', 'warning: the target was not cleaned: mayfly reconcile shows what is left there', 'exit 0')
  )
})

test('reconcile shows each target of a mount, and the mount says what becomes of it', async () => {
  const { code, out } = await shell.run('reconcile memory')
  // What was given up by force has no lease any more, and its user is still there.
  expect(code).toBe(2)
  expect(out).toMatch(
    /^Mount +Target +Policy +Listed +No lease +No object +Adopted +Foreign +Remark\n[- ]+\nmemory\/ +\S+ +report +\d+ +1 +0 +0 +0 +-\n/
  )
  expect(out).toMatch(/\nMount +No lease +State +Ends\n[- ]+\nmemory\/ +m-shop-\w+ +gives access +\S+\n$/)
  expect(await shell.run('reconcile other')).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringContaining('No secrets engine mounted at other/')
  })
  expect(await typed('secrets tune -reconcile=drop memory')).toMatch(/reconcile: expected "report", "adopt" or "remove"\n/)
  expect(await typed('secrets tune -reconcile-after=5s memory')).toMatch(/reconcile_after: expected at least 1m and at most 720h/)
  expect(await typed('secrets tune -reconcile=remove -reconcile-after=2m memory')).toBe('changed: reconcile, reconcile_after\nexit 0')
  expect(await typed('secrets tune memory')).toMatch(/\nreconcile +remove\nreconcile_after +120\n/)
  expect((await shell.run('reconcile memory')).out).toMatch(/m-shop-\w+ +gives access, waits for its second look/)
  await typed('secrets tune -reconcile=report -reconcile-after=0 memory')
})

test('a token is made, shown, renewed, limited by its policy and revoked', async () => {
  expect(await typed('policy write shop -', { stdin: 'path "memory/creds/shop" { capabilities = ["read"] }' })).toBe(
    'written: policy shop\nexit 0'
  )
  const { out: token } = await shell.run('token create -policy=shop -ttl=1h -display-name=ci -metadata=team=shop -field=token')
  expect(token).toMatch(/^s\.[0-9A-Za-z]{26}$/)
  const env = { MAYFLY_TOKEN: token }
  const shown = JSON.parse((await shell.run('token lookup -format=json', { env })).out) as { data: Record<string, unknown> }
  expect(shown.data).toMatchObject({ display_name: 'token-ci', policies: ['default', 'shop'], meta: { team: 'shop' } })
  expect(await typed('token capabilities memory/creds/shop', { env })).toBe('read\nexit 0')
  expect(await typed('token capabilities - memory/creds/other', { stdin: token })).toBe('deny\nexit 0')
  expect((await shell.run('token renew -increment=30m -field=token_duration', { env })).out).toBe('1800')
  expect(await typed('secrets list', { env })).toBe('error: permission denied (with the token of MAYFLY_TOKEN)\nexit 2')
  expect(await typed('token revoke', { env })).toBe('error: name one of: a token, --accessor, --self\nexit 1')
  expect(await typed('token lookup', { env })).toMatch(/\ncreation_time +TIME\n/)
  expect(await typed('token lookup -', { stdin: 's.thisTokenWasNeverMadeHere' })).toBe(
    'error: bad token: this server knows none like it\nexit 2'
  )
  expect(await typed('token revoke -', { stdin: 's.thisTokenWasNeverMadeHere' })).toBe(
    'revoked, if it was there; its leases are being ended\nexit 0'
  )
  expect(await typed('token revoke -accessor=unknown')).toBe(
    lines('nothing to revoke', 'warning: No token found with this accessor', 'exit 0')
  )
  expect(await typed('token revoke -self', { env })).toBe('revoked; its leases are being ended\nexit 0')
  expect((await shell.run('token lookup', { env })).code).toBe(2)
})

test('policies are written, read back to the byte, listed and deleted', async () => {
  const text = '# for the shop\npath "memory/creds/shop" { capabilities = ["read"] }\n'
  await shell.run('policy write exact -', { stdin: text })
  expect((await shell.run('policy read exact')).out).toBe(text)
  expect((await shell.run('policy list -format=json')).out).toContain('"exact"')
  expect(await typed('policy delete exact')).toBe('deleted, if it was there: policy exact\nexit 0')
  expect(await typed('policy read exact')).toBe('error: nothing at sys/policies/acl/exact\nexit 2')
  expect(await typed('policy read ../../mounts')).toBe('error: name: expected the name of a policy, such as shop or team/shop\nexit 1')
  expect(await typed('policy write team/exact -', { stdin: text })).toBe('written: policy team/exact\nexit 0')
  expect((await shell.run('policy read team/exact')).out).toBe(text)
  expect(await typed('policy test -capability=read -policy=team/exact memory/creds/shop')).toMatch(
    /^Capability.*\n.*\nread +allowed +memory\/creds\/shop +team\/exact\nexit 0$/
  )
})

test('login keeps the token in a file of its owner alone, and it is used from there', async () => {
  using own = new Shell()
  own.env['MAYFLY_ADDR'] = broker.address
  const before = await own.run('token lookup')
  expect(before.err).toBe('error: permission denied: no token was sent; mayfly login, or set MAYFLY_TOKEN\n')
  const login = await own.run('login -', { stdin: `${broker.token}\n` })
  expect(login.code).toBe(0)
  expect(login.err).toBe(`logged in; the token is in ${own.home}/.mayfly-token\n`)
  expect(login.out + login.err).not.toContain(broker.token)
  expect(statSync(join(own.home, '.mayfly-token')).mode & 0o777).toBe(0o600)
  expect((await own.run('token lookup -field=display_name')).out).toBe('root')
})

test('a login that fails stores nothing', async () => {
  using own = new Shell()
  own.env['MAYFLY_ADDR'] = broker.address
  const wrong = await own.run('login -', { stdin: 's.thisTokenWasNeverMadeHere' })
  expect(wrong).toMatchObject({ code: 2, out: '', err: 'error: permission denied (with the token of this login)\n' })
  expect((await own.run('token lookup')).err).toContain('no token was sent')
})

test('mounts are listed, tuned and disabled', async () => {
  expect(await typed('secrets enable -path=other -default-lease-ttl=30m memory')).toBe('enabled: memory at other/\nexit 0')
  expect(await typed('secrets tune -max-lease-ttl=8h other')).toBe('changed: max_lease_ttl\nexit 0')
  expect((await shell.run('secrets list -detailed')).out).toMatch(/^other\/ +memory +memory_[0-9a-f]{8} +30m +8h /m)
  expect(await typed('secrets disable other/')).toBe('disabled, if it was there: other/\nexit 0')
  expect((await shell.run('secrets list')).out).not.toContain('other/')
})

test('the audit trail goes to one more file, and is verified with the key of the server', async () => {
  expect(await typed('audit enable -path=second file file_path=second.jsonl')).toBe('enabled: second/\nexit 0')
  expect((await shell.run('audit list')).out).toMatch(/^second\/ +file +\S+second\.jsonl/m)
  expect(await typed('audit disable second')).toBe('disabled, if it was there: second/\nexit 0')
  const verified = await shell.run(`audit verify --key-from-server ${broker.trail}`)
  expect(verified).toMatchObject({ code: 0, err: '' })
  expect(verified.out).toMatch(/^\d+ lines, nothing changed, missing, reordered or duplicated$/m)
  expect(verified.out).toMatch(/^signatures were checked with the key /m)
})

test('a trail that was changed is found out, by its line and by the exit code', async () => {
  const lines = readFileSync(broker.trail, 'utf8').split('\n').filter(Boolean)
  const copy = join(broker.folder, 'copy.jsonl')
  const verify = async (all: readonly string[], flags = '') => {
    writeFileSync(copy, `${all.join('\n')}\n`)
    return shell.run(`audit verify ${flags} ${copy}`)
  }
  expect((await verify(lines)).out).toMatch(/^no key was given: the chain holds together, and nothing proves who wrote it$/m)
  const changed = await verify(lines.with(3, lines[3]!.replace(/"time":"\d{4}/, '"time":"1999')))
  expect(changed.code).toBe(2)
  expect(changed.out).toMatch(/^line 4: changed: /)
  expect(changed.out).not.toContain('the chain holds together')
  const head = /head ([0-9a-f]{64})/.exec((await verify(lines)).out)?.[1] ?? ''
  const node =
    /node ([\w.-]+): .* to (\d+),/
      .exec((await verify(lines)).out)
      ?.slice(1)
      .join(':') ?? ''
  expect((await verify(lines, `-head=${node}:${head}`)).code).toBe(0)
  const cut = await verify(lines.slice(0, -1), `-head=${node}:${head} -format=json`)
  expect(cut.code).toBe(2)
  expect(JSON.parse(cut.out)).toMatchObject({ ok: false, problem: { why: 'missing' } })
  expect(await verify(lines, `-key=${copy}`)).toMatchObject({ code: 1, err: `error: ${copy}: expected a public key, PEM\n` })
})

test('sealing is seen by everybody', async () => {
  expect((await shell.run('status')).code).toBe(0)
  expect(await typed('operator seal')).toBe('sealed\nexit 0')
  expect(await typed('read memory/creds/shop')).toMatch(/^error: Vault is sealed: mayfly operator unseal, or init where it is new\nexit 2$/)
  const status = await shell.run('status')
  expect(status.code).toBe(2)
  expect(status.out).toMatch(/^Sealed +true$/m)
})

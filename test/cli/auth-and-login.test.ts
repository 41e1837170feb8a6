/** An operator lets applications in, and an application logs in, as each types it. Ids and times are written as their kind. */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { realBroker } from './real-broker.ts'
import { Shell } from './shell.ts'
import type { Typing } from './shell.ts'

let broker: Awaited<ReturnType<typeof realBroker>>
const shell = new Shell()
const app = new Shell()

beforeAll(async () => {
  broker = await realBroker('dev')
  shell.env['MAYFLY_ADDR'] = broker.address
  shell.env['MAYFLY_TOKEN'] = broker.token
  app.env['MAYFLY_ADDR'] = broker.address
})

afterAll(async () => {
  shell[Symbol.dispose]()
  app[Symbol.dispose]()
  await broker[Symbol.asyncDispose]()
})

async function typed(line: string, who = shell, typing?: Typing): Promise<string> {
  const { out, err, code } = await who.run(line, typing)
  const seen = `${out}${err}`
    .replaceAll(/\bs\.[0-9A-Za-z]{26,}\b/g, 's.TOKEN')
    .replaceAll(/\b(auth_[a-z]+_)[0-9a-f]{8}\b/g, '$1ID')
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID')
    .replaceAll(/\b[0-9A-Za-z]{24}\b/g, 'ACCESSOR')
    .replaceAll(app.home, '~')
    .replaceAll(/ {2,}/g, '  ')
    .replaceAll(/-{3,}/g, '---')
  return `${seen}exit ${code}`
}

const lines = (...all: readonly string[]): string => all.join('\n')

test('a method is mounted, shown and tuned', async () => {
  expect(await typed('auth enable -description=apps -max-lease-ttl=8h approle')).toBe('enabled: approle at approle/\nexit 0')
  expect(await typed('auth list')).toBe(
    lines(
      'Path  Type  Accessor  Description',
      '---  ---  ---  ---',
      'approle/  approle  auth_approle_ID  apps',
      'token/  token  auth_token_ID  token based credentials',
      'exit 0'
    )
  )
  expect(await typed('auth list -detailed')).toContain("approle/  approle  auth_approle_ID  the system's  8h  UUID  apps\n")
  expect(await typed('auth tune -default-lease-ttl=1h -user-lockout-threshold=3 approle')).toBe(
    'changed: default_lease_ttl, user_lockout_config\nexit 0'
  )
  expect(await typed('auth tune -field=user_lockout_threshold approle')).toBe('3exit 0')
  expect(await typed('auth tune -field=default_lease_ttl approle')).toBe('3600exit 0')
  expect(await typed('auth enable approle')).toBe('error: path is already in use at approle/\nexit 2')
  expect(await typed('auth enable -user-lockout-disable=maybe -path=b approle')).toBe(
    'error: user-lockout-disable: expected true or false\nexit 1'
  )
})

test('an application logs in with both halves from files, and the token is kept as another', async () => {
  expect(await typed('write auth/approle/role/shop token_policies=default token_ttl=20m')).toBe('written: auth/approle/role/shop\nexit 0')
  const files = { roleId: join(app.home, 'role-id'), secretId: join(app.home, 'secret-id') }
  writeFileSync(files.roleId, (await shell.run('read -field=role_id auth/approle/role/shop/role-id')).out)
  writeFileSync(files.secretId, `${(await shell.run('write -f -field=secret_id auth/approle/role/shop/secret-id')).out}\n`)
  expect(await typed(`login -method=approle role_id=@${files.roleId} secret_id=@${files.secretId}`, app)).toBe(
    lines(
      'Key  Value',
      '---  ---',
      'token  (kept)',
      'token_accessor  ACCESSOR',
      'token_duration  20m',
      'token_renewable  true',
      'token_policies  default',
      'identity_policies  -',
      'policies  default',
      'token_meta_role_name  shop',
      'logged in; the token is in ~/.mayfly-token',
      'exit 0'
    )
  )
  expect(statSync(join(app.home, '.mayfly-token')).mode & 0o777).toBe(0o600)
  expect(await typed('token lookup -field=display_name', app)).toBe('approle-shopexit 0')
})

test('a proof from standard input is no word of the command line, and a token need not be kept', async () => {
  const before = readFileSync(join(app.home, '.mayfly-token'), 'utf8')
  const { out: secret } = await shell.run('write -f -field=secret_id auth/approle/role/shop/secret-id')
  const line = `login -method=approle -no-store -field=token role_id=@${app.home}/role-id`
  expect(await typed(`${line} secret_id=-`, app, { stdin: secret })).toBe('s.TOKENexit 0')
  const { out, err } = await app.run(`${line} secret_id=${secret}`)
  expect(out).toMatch(/^s\.[0-9A-Za-z]{26}$/)
  expect(err).toContain('a secret id on the command line stays in the history of your shell')
  expect(readFileSync(join(app.home, '.mayfly-token'), 'utf8')).toBe(before)
})

test('an old token in the way of a login does no harm', async () => {
  const { out: secret } = await shell.run('write -f -field=secret_id auth/approle/role/shop/secret-id')
  const typing = { stdin: secret, env: { MAYFLY_TOKEN: 's.longGoneAndForgotten0000000' } }
  const { code, err } = await app.run(`login -method=approle -field=token_duration role_id=@${app.home}/role-id secret_id=-`, typing)
  expect({ code, err }).toEqual({
    code: 0,
    err: `logged in; the token is in ${app.home}/.mayfly-token\nwarning: MAYFLY_TOKEN is set and goes before the stored token\n`
  })
})

test('what is wrong is said without a word of the proof', async () => {
  const { code, err } = await app.run('login -method=approle role_id=canaryRole secret_id=-', { stdin: 'canarySecret' })
  expect(code).toBe(2)
  expect(err).toContain('invalid role or secret ID')
  expect(err).not.toMatch(/canary/)
  expect(await typed('login -method=approle', app)).toBe('error: no proof: say role_id=… and secret_id=@file\nexit 1')
  expect(await typed('login -method=userpass a=b', app)).toBe('error: method: expected token or approle\nexit 1')
  expect(await typed('login a b', app)).toBe('error: a login with a token takes the token only\nexit 1')
  expect(await typed('login -method=approle -path=none role_id=a secret_id=-', app, { stdin: 'b' })).toContain('permission denied')
})

test('with the method its tokens end', async () => {
  expect(await typed('token lookup -field=type', app)).toBe('serviceexit 0')
  expect(await typed('auth disable approle')).toBe('disabled, if it was there: approle/\nexit 0')
  expect(await typed('token lookup -field=type', app)).toContain('permission denied')
  expect(await typed('auth list')).not.toContain('approle')
})

import { expect, test } from 'vitest'
import type { JsonObject } from 'mayfly/plugin'
import { postgresql } from '../../../plugins/postgresql/index.ts'
import { isForbiddenAddress } from '../../../src/contracts/index.ts'

const secret = 'Canary-7h1s-1s-Secret'
const read = (fields: JsonObject, tls: 'any' | 'verified' = 'any') => postgresql.connection(fields, { tls })
const template = 'postgresql://{{username}}:{{password}}@'
const fromUrl = (url: string, rest: JsonObject = { username: 'mayfly', password: secret }) => read({ connection_url: url, ...rest })

const minimal = { host: 'db', username: 'm', password: secret }
const withFields = (fields: JsonObject) => read({ ...minimal, ...fields }).settings.reveal()

/** The sentence of a refusal. Whatever was wrong, it repeats no password. */
function refusal(fields: JsonObject, tls: 'any' | 'verified' = 'any'): string {
  try {
    read(fields, tls)
  } catch (error) {
    expect(error).toMatchObject({ name: 'BrokerError', code: 'invalid_request' })
    const { message } = error as Error
    expect(message).not.toContain(secret)
    return message
  }
  throw new Error('it was accepted')
}
const urlRefusal = (url: string, rest: JsonObject = { username: 'mayfly', password: secret }) => refusal({ connection_url: url, ...rest })

test('a URL is read into fields', () => {
  const { settings, identity, account, warnings } = fromUrl(
    `${template}db1.example.com:5432,db2/app?sslmode=verify-full&connect_timeout=9&application_name=broker`
  )
  expect(settings.reveal()).toMatchObject({
    hosts: [
      { host: 'db1.example.com', port: 5432 },
      { host: 'db2', port: 5432 }
    ],
    database: 'app',
    username: 'mayfly',
    password: secret,
    tls: 'verify-full',
    connectSeconds: 9,
    applicationName: 'broker',
    connectionsMax: 4,
    idleMax: 4,
    plainPasswords: false
  })
  expect(account).toBe('postgresql://mayfly@db1.example.com:5432,db2:5432')
  expect(identity).toBe(`${account}/app`)
  expect(warnings).toEqual([])
})

test('the keyword form and single fields say the same as a URL', () => {
  const words = read({
    connection_url: `host=db1,db2 port=5433 user={{username}} password={{password}} dbname=app sslmode=verify-ca`,
    username: 'mayfly',
    password: secret
  })
  const fields = read({ host: 'db1,db2', port: 5433, database: 'app', username: 'mayfly', password: secret, sslmode: 'verify-ca' })
  const url = fromUrl(`${template}db1:5433,db2:5433/app?sslmode=verify-ca`)
  expect(words.settings.reveal()).toEqual(url.settings.reveal())
  expect(fields.settings.reveal()).toEqual(url.settings.reveal())
})

test('the keyword form is quoted as libpq does', () => {
  const { settings } = read({ connection_url: String.raw`host=db user='o\'brien' password='a b\\c' dbname = 'my db'` })
  expect(settings.reveal()).toMatchObject({ username: "o'brien", password: String.raw`a b\c`, database: 'my db' })
})

test('user and password of a URL are decoded once', () => {
  const { settings } = read({ connection_url: 'postgres://us%40er:p%2525%2Fw%3A@db/app' })
  expect(settings.reveal()).toMatchObject({ username: 'us@er', password: 'p%25/w:' })
})

test('IPv6 hosts are taken in brackets', () => {
  expect(fromUrl(`${template}[2001:db8::1]:5433,[::1]/app`).account).toBe('postgresql://mayfly@[2001:db8::1]:5433,[::1]:5432')
})

test('a password in the URL is taken, hidden, and warned of', () => {
  const { settings, details, identity, warnings } = read({ connection_url: `postgresql://mayfly:${secret}@db:5432/app?sslmode=require` })
  expect(settings.reveal()).toMatchObject({ password: secret })
  expect(details['connection_url']).toBe('postgresql://mayfly:xxxxx@db:5432/app?sslmode=require')
  expect(JSON.stringify([details, identity])).not.toContain(secret)
  expect(warnings[0]).toBe(
    'Password found in connection_url, use a templated url to enable root rotation and prevent read access to password information.'
  )
})

test('a read shows a templated URL as written, and never password or key', () => {
  const url = `${template}DB:5432/app`
  const { details } = fromUrl(url, { username: 'mayfly', password: secret, max_open_connections: 5 })
  expect(details).toEqual({ connection_url: url, username: 'mayfly', max_open_connections: 5 })
})

test('verified TLS is the default, and weaker words are warned of', () => {
  expect(fromUrl(`${template}db/app`).settings.reveal()).toMatchObject({ tls: 'verify-full' })
  for (const mode of ['disable', 'require', 'verify-ca']) {
    const { settings, warnings } = fromUrl(`${template}db/app?sslmode=${mode}`)
    expect(settings.reveal()).toMatchObject({ tls: mode })
    expect(warnings).toEqual([expect.stringContaining(`sslmode=${mode}: `)])
    expect(refusal({ connection_url: `${template}db/app?sslmode=${mode}`, username: 'mayfly', password: secret }, 'verified')).toContain(
      'targets.tls'
    )
  }
})

test.each(['prefer', 'allow', 'no-verify', 'VERIFY-FULL', 'x'])('sslmode=%s is refused, and the modes are named', mode => {
  expect(urlRefusal(`${template}db/app?sslmode=${mode}`)).toBe('sslmode: expected one of verify-full, verify-ca, require, disable')
})

test.each([
  'sslrootcert',
  'sslcert',
  'sslkey',
  'passfile',
  'service',
  'options',
  'host',
  'hostaddr',
  'port',
  'user',
  'password',
  'target_session_attrs'
])('the option %s of a URL is refused by name', name => {
  expect(urlRefusal(`${template}db/app?${name}=/etc/shadow`)).toContain(`the option ${name} is not taken`)
})

test('an option is given once', () => {
  expect(urlRefusal(`${template}db/app?sslmode=disable&sslmode=verify-full`)).toContain('twice')
  expect(urlRefusal('host=db host=other user=x')).toContain('twice')
})

test.each([
  '169.254.169.254',
  '169.254.169.254:5432',
  '[::ffff:169.254.169.254]',
  '[::ffff:a9fe:a9fe]',
  '[fe80::1]',
  '[fd00:ec2::254]',
  '[64:ff9b::a9fe:a9fe]',
  '0.0.0.0',
  '224.0.0.1',
  'metadata.google.internal',
  'metadata',
  '%2fvar%2frun%2fpostgresql',
  '@abstract',
  'db:22',
  'db:0',
  'db:99999',
  'db:x',
  '',
  'a b',
  'db;rm',
  '..',
  'good,169.254.169.254'
])('the host %s is refused', host => {
  expect(urlRefusal(`${template}${host}/app`)).toMatch(/^(connection_url|port): /)
})

test('sockets and paths are refused in every form', () => {
  expect(refusal({ host: '/var/run/postgresql', username: 'mayfly' })).toContain('sockets and paths')
  expect(refusal({ connection_url: 'host=/var/run/postgresql user=x' })).toContain('sockets and paths')
})

test('what a name resolves to is judged like what is written', () => {
  for (const bad of ['169.254.1.1', 'fe80::1%eth0', '::ffff:169.254.169.254', '0.0.0.0', '::', '100.100.100.200'])
    expect(isForbiddenAddress(bad)).toBe(true)
  for (const good of ['127.0.0.1', '10.0.0.1', '192.168.1.1', '::1', 'fd12::1', '8.8.8.8', '2001:db8::1'])
    expect(isForbiddenAddress(good)).toBe(false)
})

test.each([
  `postgresql://mayfly:${secret}@evil@db/app`,
  `postgresql://mayfly:${secret}/@db/app`,
  `postgresql://mayfly:${secret}?x@db/app`,
  `postgresql://mayfly:${secret}#@db/app`,
  `postgresql://mayfly:%zz${secret}@db/app`,
  `mysql://mayfly:${secret}@db/app`,
  `mayfly:${secret}@tcp(db:3306)/app`,
  `host=db password='${secret}`,
  `host=db password=${secret} nonsense`,
  `postgresql://mayfly:${secret}@db/app?${secret}=1`
])('a broken URL is refused without its password (%#)', url => {
  expect(refusal({ connection_url: url })).toContain('connection_url')
})

test('the wire texts for what is missing', () => {
  expect(refusal({ username: 'mayfly' })).toBe('connection_url cannot be empty')
  expect(refusal({ connection_url: '', host: [] })).toBe('connection_url cannot be empty')
  expect(refusal({ connection_url: `${template}db/app`, username: '{{username}}', password: secret })).toBe(
    'username and/or password cannot contain the template variables'
  )
  expect(refusal({ connection_url: `${template}db/app`, password: secret })).toContain('username: ')
  expect(refusal({ connection_url: 'postgresql://{{user}}:x@db/app' })).toContain('expected {{username}}')
})

test('a URL and the fields that it holds are not mixed', () => {
  expect(refusal({ connection_url: `${template}db/app`, username: 'mayfly', password: secret, host: 'other' })).toMatch(/^host: /)
})

test('the limits of the pool', () => {
  const pool = (fields: JsonObject) => fromUrl(`${template}db/app`, { username: 'mayfly', password: secret, ...fields }).settings.reveal()
  expect(pool({ max_open_connections: 0 })).toMatchObject({ connectionsMax: 4, idleMax: 4 })
  expect(pool({ max_open_connections: 8, max_idle_connections: 99 })).toMatchObject({ connectionsMax: 8, idleMax: 8 })
  expect(pool({ max_idle_connections: -1 })).toMatchObject({ idleMax: 0 })
  expect(pool({ max_connection_lifetime: '1h' })).toMatchObject({ lifetimeSeconds: 3_600 })
  expect(refusal({ connection_url: `${template}db/app`, username: 'm', password: secret, max_open_connections: -1 })).toMatch(
    /^max_open_connections: /
  )
  expect(refusal({ connection_url: `${template}db/app`, username: 'm', password: secret, max_open_connections: 5_000 })).toMatch(
    /^max_open_connections: /
  )
})

test('the password as such only by the operator’s explicit word', () => {
  expect(withFields({ password_authentication: 'password' })).toMatchObject({ plainPasswords: true })
  expect(withFields({ password_authentication: 'scram-sha-256' })).toMatchObject({ plainPasswords: false })
  expect(refusal({ ...minimal, password_authentication: 'md5' })).toContain('not a valid password authentication type')
})

test('PEM fields take PEM text, and no paths', () => {
  expect(refusal({ ...minimal, tls_ca: '/etc/shadow' })).toBe('tls_ca: expected PEM text, not a path')
  expect(refusal({ ...minimal, tls_ca: '-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----' })).toMatch(
    /^tls_ca: not readable/
  )
  expect(refusal({ ...minimal, private_key: '-----BEGIN PRIVATE KEY-----' })).toContain('both or neither')
})

test('text that ends the start message early is refused', () => {
  expect(refusal({ host: 'db', username: 'm\0options\0x', password: secret })).toMatch(/^username: /)
  expect(refusal({ host: 'db', username: 'm', password: secret, database: 'app\0x' })).toMatch(/^database: /)
})

test('a password whose file ends with a line break is refused with the way to write it', () => {
  const told = 'password: ends with a line break; printf %s writes a file without one'
  expect(refusal({ host: 'db', username: 'm', password: `${secret}\n` })).toBe(told)
  expect(refusal({ host: 'db', username: 'm', password: `${secret}\nx\n` })).toBe('password: contains a control character')
})

test('another database or account is another identity, and the database no other account', () => {
  const a = fromUrl(`${template}db/app`)
  const b = fromUrl(`${template}db/other`)
  const c = fromUrl(`${template}db/app`, { username: 'second', password: secret })
  expect(new Set([a.identity, b.identity, c.identity]).size).toBe(3)
  expect(a.account).toBe(b.account)
  expect(a.account).not.toBe(c.account)
  expect(fromUrl(`${template}DB.:5432/app`).identity).toBe(a.identity)
})

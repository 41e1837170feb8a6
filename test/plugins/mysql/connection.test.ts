import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { refusalText } from '../../../plugins/mysql/server/errors.ts'
import { HashThread } from '../../../plugins/mysql/hash/hash-thread.ts'
import { mysql } from '../../../plugins/mysql/index.ts'
import { passwordBytesMax, sha256CryptLanes } from '../../../plugins/mysql/hash/sha256-crypt-lanes.ts'
import { sha256Crypt } from '../../../plugins/mysql/hash/sha256-crypt.ts'
import { sha256Lanes } from '../../../plugins/mysql/hash/sha256-lanes.ts'
import { nativeHash } from '../../../plugins/mysql/hash/native-hash.ts'
import { testCa } from '../../targets/tls-fixture.ts'

const read = (fields: Readonly<Record<string, string | number | boolean>>, tls: 'any' | 'verified' = 'any') =>
  mysql.connection(fields, { tls })
// As `openssl passwd -5 -salt saltstring` prints it.
const crypted = '5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5'
const never = new AbortController().signal
const own = { username: 'mayfly', password: 'Canary-p4ss' }

describe('a DSN', () => {
  test('is read into fields, and shown without a password', () => {
    const { settings, details, place, account, warnings } = read({
      ...own,
      connection_url: '{{username}}:{{password}}@tcp(h1:3307,h2)/app?tls=false&parseTime=true'
    })
    expect(settings.reveal()).toMatchObject({
      hosts: [
        { host: 'h1', port: 3307 },
        { host: 'h2', port: 3306 }
      ],
      database: 'app',
      username: 'mayfly',
      password: 'Canary-p4ss',
      tls: 'false'
    })
    expect(JSON.stringify([details, place, account])).not.toContain('Canary')
    expect(details['connection_url']).toBe('{{username}}:{{password}}@tcp(h1:3307,h2)/app?tls=false&parseTime=true')
    expect(warnings).toEqual([expect.stringContaining('no TLS')])
  })

  test('a network that is left out is tcp, as in Go', () => {
    const { settings } = read({ connection_url: '{{username}}:{{password}}@(db1)/?tls=false', username: 'mayfly', password: 'Canary' })
    expect(settings.reveal()).toMatchObject({ hosts: [{ host: 'db1', port: 3306 }], username: 'mayfly', password: 'Canary' })
  })

  test('a password in it may hold anything, is warned of, and is never shown', () => {
    const { settings, details, warnings } = read({ connection_url: 'root:Can@ry:p/4?s@tcp(db:3306)/' })
    expect(settings.reveal()).toMatchObject({ username: 'root', password: 'Can@ry:p/4?s', tls: 'true' })
    expect(details['connection_url']).toBe('root:xxxxx@tcp(db:3306)/')
    expect(warnings).toEqual([expect.stringContaining('Password found in connection_url')])
  })

  test.each([
    ['a:b@tcp(h)/?multiStatements=true', 'multiStatements'],
    ['a:b@tcp(h)/?allowAllFiles=true', 'allowAllFiles'],
    ['a:b@tcp(h)/?allowCleartextPasswords=true', 'allowCleartextPasswords'],
    ['a:b@tcp(h)/?tls=preferred', 'tls'],
    ['a:b@tcp(h)/?tls=custom', 'tls'],
    ['a:b@tcp(h)/?tls=true&tls=false', 'twice'],
    ['a:b@tcp(h)/?ssl={"rejectUnauthorized":false}', 'not taken'],
    ['a:b@unix(/var/run/mysqld.sock)/', 'no sockets'],
    ['a:b@tcp(169.254.169.254)/', 'link-local'],
    ['a:b@tcp(h:22)/', 'port'],
    ['mysql://a:b@h/db', 'expected the form'],
    ['a:b@tcp(h)', 'expected'],
    ['{{username}}:{{other}}@tcp(h)/', 'connection_url']
  ])('%s is refused', (connection_url, why) => {
    expect(() => read({ connection_url, username: 'mayfly', password: 'Canary' })).toThrow(why)
    expect(() => read({ connection_url, username: 'mayfly', password: 'Canary' })).not.toThrow('Canary')
  })
})

test.each([
  [{ ...own }, 'connection_url cannot be empty'],
  [{ host: 'h' }, 'username'],
  [{ ...own, host: 'h', connection_url: 'a:b@tcp(h)/' }, 'host'],
  [{ ...own, host: 'h', tls_ca: '/etc/ca.pem' }, 'tls_ca'],
  [{ ...own, host: 'h', tls_certificate_key: testCa }, 'tls_certificate_key'],
  [{ ...own, host: 'h', max_open_connections: -1 }, 'max_open_connections'],
  [{ ...own, host: 'h', username: '{{username}}' }, 'template variables'],
  [{ ...own, host: 'h', password: 'x\n' }, 'line break']
])('%o is refused by the name of its field', (fields, why) => {
  expect(() => read(fields)).toThrow(why)
})

test('a server configuration that asks for verified TLS takes nothing less', () => {
  expect(() => read({ ...own, host: 'h', tls: 'false' }, 'verified')).toThrow('tls: the server configuration')
  expect(() => read({ ...own, host: 'h', tls_skip_verify: true }, 'verified')).toThrow('tls_skip_verify')
  expect(read({ ...own, host: 'h' }, 'verified').warnings).toEqual([])
})

test('another database is another identity of the same account; another host is another account', () => {
  const [one, two, three] = [{ host: 'h' }, { host: 'h', database: 'b' }, { host: 'i' }].map(fields => read({ ...own, ...fields }))
  expect(two!.account).toBe(one!.account)
  expect(two!.identity).not.toBe(one!.identity)
  expect(three!.account).not.toBe(one!.account)
})

test.each([
  ["Access denied for user 'mayfly'@'broker-7.internal' (using password: YES)", "'mayfly'@'[address]'"],
  ["Access denied for user 'mayfly'@'10.1.2.3' (using password: YES)", "'mayfly'@'[address]'"],
  ["Operation CREATE USER failed for 'v-token-ro-x'@'%'", "'v-token-ro-x'@'%'"]
])('%s is told without the address that the server saw', (sqlMessage, shown) => {
  const error = Object.assign(new Error(sqlMessage), { errno: 1045, sqlState: '28000', sqlMessage })
  expect(refusalText(error, [])).toContain(shown)
  expect(refusalText(error, [])).not.toMatch(/internal|10\.1|password/)
})

test('hashes are those that the servers make', () => {
  expect(nativeHash('password')).toBe('*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19')
  expect(sha256Crypt({ password: Buffer.from('Hello world!'), salt: Buffer.from('saltstring') })).toBe(crypted)
})

test('passwords that are hashed side by side have the hashes that each has alone', () => {
  expect(sha256Lanes()).toBeDefined()
  for (const length of [
    ...Array(43)
      .keys()
      .map(n => 3 * n),
    passwordBytesMax - 1,
    passwordBytesMax
  ]) {
    const asked = Array.from({ length: 1 + (length % 4) }, () => ({ password: randomBytes(length), salt: randomBytes(20) }))
    expect(sha256CryptLanes(asked)).toEqual(asked.map(sha256Crypt))
  }
})

test('on a processor without vectors, as some virtual machines show it, hashes are the same', async () => {
  const lanes = new URL('../../../plugins/mysql/hash/', import.meta.url)
  const script = `
    import { sha256CryptLanes } from '${lanes.href}sha256-crypt-lanes.ts'
    import { sha256Lanes } from '${lanes.href}sha256-lanes.ts'
    const asked = Array.from({ length: 3 }, () => ({ password: Buffer.from('Hello world!'), salt: Buffer.from('saltstring') }))
    console.log(JSON.stringify([sha256Lanes() === undefined, ...sha256CryptLanes(asked)]))`
  const flags = ['--no-enable-ssse3', '--no-enable-sse4-1', '--input-type=module', '--eval', script]
  const { stdout } = await promisify(execFile)(process.execPath, flags)
  // Others than these have vectors always.
  expect(JSON.parse(stdout)).toEqual([process.arch === 'x64', crypted, crypted, crypted])
})

test('what comes in while the thread works is hashed together, whatever its lengths', async () => {
  const thread = new HashThread()
  await using held = thread.hold()
  expect(held).toBeDefined()
  const passwords = Array.from({ length: 23 }, (_, n) => (n === 7 ? 'x'.repeat(passwordBytesMax + 1) : `pässword-${n % 3 === 0 ? '' : n}`))
  const salts = passwords.map((_, n) => `salt-of-20-bytes-${100 + n}`)
  expect(await Promise.all(passwords.map((password, n) => thread.hash(password, salts[n]!, never)))).toEqual(
    passwords.map((password, n) => sha256Crypt({ password: Buffer.from(password), salt: Buffer.from(salts[n]!) }))
  )
})

test('the thread that hashes ends with its last holder, fails what it owes, and is started anew by the next password', async () => {
  const thread = new HashThread()
  const [one, two] = [thread.hold(), thread.hold()]
  expect(await Promise.all([thread.hash('Hello world!', 'saltstring', never), thread.hash('Hello world!', 'saltstring', never)])).toEqual([
    crypted,
    crypted
  ])
  await one[Symbol.asyncDispose]()
  expect(await thread.hash('Hello world!', 'saltstring', never)).toBe(crypted)
  const owed = expect(thread.hash('Hello world!', 'saltstring', never)).rejects.toThrow('has ended')
  await two[Symbol.asyncDispose]()
  await owed
  await using three = thread.hold()
  expect(await thread.hash('Hello world!', 'saltstring', never)).toBe(crypted)
  expect(three).toBeDefined()
})

// All of them would take 15 s of the thread.
test('whoever has gone before its turn is not hashed for, and whoever goes meanwhile waits no longer', { timeout: 8_000 }, async () => {
  const thread = new HashThread()
  await using held = thread.hold()
  expect(held).toBeDefined()
  const gone = new AbortController()
  const hash = (salt: string, signal: AbortSignal) => thread.hash('Hello world!', salt, signal)
  const crowd = Array.from({ length: 12_000 }, (_, n) => hash(`salt-${n}`, gone.signal))
  const after = hash('saltstring', never)
  // The thread has the first of them.
  await new Promise(resolve => setImmediate(resolve))
  gone.abort(new Error('the caller has gone'))
  for (const one of await Promise.allSettled(crowd))
    expect(one).toMatchObject({ status: 'rejected', reason: { code: 'target_unreachable', cause: { message: 'the caller has gone' } } })
  expect(await after).toBe(crypted)
  await expect(hash('saltstring', gone.signal)).rejects.toMatchObject({ code: 'target_unreachable' })
})

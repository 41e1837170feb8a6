import { execFileSync } from 'node:child_process'
import { X509Certificate, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkServerIdentity, connect } from 'node:tls'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemRandom } from '../../src/system-clock.ts'
import { autoTls } from '../../src/tls/auto-tls.ts'
import { ownNames } from '../../src/tls/own-names.ts'

const start = Temporal.Instant.from('2026-11-29T12:00:00Z')
const names = ['mayfly.example.com', 'localhost', '127.0.0.1', '::1']

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'mayfly-auto-tls-'))))
afterEach(() => rmSync(folder, { recursive: true }))

const at = (days: number, more: Partial<Parameters<typeof autoTls>[0]> = {}) =>
  autoTls({ folder, names, now: start.add({ hours: 24 * days }), random: systemRandom, ...more })
const file = (name: string) => join(folder, 'tls', name)

test('what is made passes the strictest reading of RFC 5280', () => {
  at(0)
  const verified = execFileSync('openssl', [
    'verify',
    '-x509_strict',
    '-purpose',
    'sslserver',
    '-attime',
    String(start.epochMilliseconds / 1000),
    '-CAfile',
    file('ca.pem'),
    file('server.pem')
  ])
  expect(verified.toString()).toContain('server.pem: OK')
})

test.each(['mayfly.example.com', 'localhost', '127.0.0.1', '::1'])(
  'a client that trusts the CA by file reaches it as %s, and as nobody else',
  async name => {
    const { cert, key } = at(0, { now: Temporal.Now.instant() })
    const server = createServer({ cert, key }).listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    const reaches = (as: string, ca: string | undefined) =>
      new Promise<string>(resolve => {
        const socket = connect({ port, host: '127.0.0.1', ca, checkServerIdentity: (_, found) => checkServerIdentity(as, found) })
        socket.once('secureConnect', () => void socket.destroy())
        socket.once('close', () => resolve('yes'))
        socket.once('error', error => resolve(error.message))
      })
    const ca = readFileSync(file('ca.pem'), 'utf8')
    expect(await reaches(name, ca)).toBe('yes')
    expect(await reaches('evil.example.com', ca)).toContain('does not match')
    expect(await reaches(name, undefined)).toContain('self-signed certificate in certificate chain')
    server.close()
  }
)

test('nobody else reads a key', () => {
  at(0)
  for (const name of ['ca.key', 'server.pem']) expect(statSync(file(name)).mode & 0o777).toBe(0o600)
})

test('the certificate is kept over a restart, and renewed under the same CA before it ends', () => {
  const first = at(0)
  expect(first.isNew).toBe(true)
  expect(at(19)).toMatchObject({ cert: first.cert, isNew: false })
  const renewed = at(21)
  expect(renewed.isNew).toBe(true)
  expect(renewed.caFingerprint).toBe(first.caFingerprint)
  expect(renewed.expiresAt.toString()).toBe(start.add({ hours: 24 * 51 }).toString())
})

test('a new name gets a new certificate', () => {
  const first = at(0)
  const renewed = at(0, { names: [...names, '10.1.2.3'] })
  expect(renewed.cert).not.toBe(first.cert)
  expect(new X509Certificate(renewed.cert).checkIP('10.1.2.3')).toBe('10.1.2.3')
})

test('a certificate that a clock ahead has made is not served once the clock is right: clients would wait a year for it', () => {
  at(0)
  const ahead = at(365)
  const right = at(1)
  expect(right.cert).not.toBe(ahead.cert)
  expect(right.expiresAt.toString()).toBe(start.add({ hours: 24 * 31 }).toString())
})

test('with the key of the CA elsewhere it serves to the end of the certificate, and then says what it needs', () => {
  const first = at(0)
  renameSync(file('ca.key'), join(folder, 'elsewhere.key'))
  expect(at(29).cert).toBe(first.cert)
  expect(() => at(31)).toThrow(/tls\/ca\.key is not there, and the server certificate must be renewed with it/)
  renameSync(join(folder, 'elsewhere.key'), file('ca.key'))
  expect(at(31).isNew).toBe(true)
})

test('a crash after the key of the CA leaves nothing that the next start cannot finish', () => {
  at(0)
  const key = readFileSync(file('ca.key'), 'utf8')
  rmSync(file('ca.pem'))
  rmSync(file('server.pem'))
  expect(at(0).isNew).toBe(true)
  expect(readFileSync(file('ca.key'), 'utf8')).toBe(key)
})

test.each([
  ['nothing', ''],
  ['noise', `-----BEGIN PRIVATE KEY-----\n${randomBytes(40).toString('base64')}\n-----END PRIVATE KEY-----\n`]
])('a server file with %s in it is made again', (_, text) => {
  at(0)
  writeFileSync(file('server.pem'), text)
  expect(at(0).isNew).toBe(true)
})

test.each([
  [
    'ca.key',
    'a strange key',
    () => execFileSync('openssl', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']).toString(),
    'is not the key of ca.pem'
  ],
  ['ca.key', 'noise', () => 'noise', 'is not PEM that can be read'],
  ['ca.pem', 'noise', () => 'noise', 'is not PEM that can be read']
])('%s with %s in it is refused by its name, and left as it is', (name, _, text, why) => {
  at(0)
  const odd = text()
  writeFileSync(file(name), odd)
  expect(() => at(0)).toThrow(`listener.tls: ${file(name)} ${why}`)
  expect(readFileSync(file(name), 'utf8')).toBe(odd)
})

test('a file in the place of the folder is refused by its name', () => {
  writeFileSync(join(folder, 'tls'), '')
  expect(() => at(0)).toThrow(`listener.tls: ${join(folder, 'tls')} cannot be made (EEXIST)`)
})

test('a CA that has expired is never served under', () => {
  at(0)
  expect(() => at(3_651)).toThrow(/ca\.pem has expired/)
})

test('a certificate never outlives its CA', () => {
  at(0)
  expect(at(3_640).expiresAt.toString()).toBe(start.add({ hours: 24 * 3_650 }).toString())
})

test('names are what was asked for, what it is bound to, and this machine', () => {
  expect(ownNames('10.0.0.7', ['Mayfly.Example.COM'])).toEqual(
    expect.arrayContaining(['mayfly.example.com', '10.0.0.7', 'localhost', '127.0.0.1', '::1'])
  )
  expect(ownNames('fe80::1%eth0', ['2001:DB8:0::A', '::ffff:1.2.3.4'])).toEqual(
    expect.arrayContaining(['fe80::1', '2001:db8::a', '::ffff:102:304'])
  )
  expect(() => at(0, { names: ownNames('127.0.0.1', ['::ffff:1.2.3.4']) })).not.toThrow()
  expect(() => ownNames('127.0.0.1', ['not a name'])).toThrow('listener.tls.auto: "not a name" is neither a DNS name nor an IP address')
})

/** Hostile texts in every field of the engine, over HTTP: never the broker's own fault, and never a certificate that a role does not allow. */
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isGenuine, parseCertificateLine } from '../../../plugins/ssh/format/parse-certificate.ts'
import { ssh } from '../../../plugins/ssh/index.ts'
import { hostileText, hostileValue } from '../../attacks/hostile.ts'
import { serveInMemory } from '../../wire/serve-in-memory.ts'
import type { Served, WireReply } from '../../wire/serve-in-memory.ts'
import { newKeyLine, userRole } from './mount.ts'

const runs = { numRuns: 300, interruptAfterTimeLimit: 12_000, markInterruptAsFailure: false }
const key = newKeyLine()

let broker: Served
beforeAll(async () => {
  broker = await serveInMemory()
  await broker.ask('POST', 'sys/mounts/ssh', { type: 'ssh' })
  await broker.ask('POST', 'ssh/config/ca', {})
  const options = { allowed_critical_options: 'force-command,source-address', allowed_extensions: '*', allow_user_key_ids: true }
  await broker.ask('POST', 'ssh/roles/app', { ...userRole, ...options })
  await broker.ask('POST', 'ssh/roles/otp', { key_type: 'otp', default_user: 'ubuntu', cidr_list: '10.0.0.0/8' })
})
afterAll(() => broker[Symbol.asyncDispose]())

/** Half of the time what is good, so that the rest comes to its turn. */
function half(good: unknown, hostile: fc.Arbitrary<unknown>) {
  return fc.oneof(fc.constant(good), hostile)
}

function refusedOrDone({ status, body }: WireReply, what: string): void {
  expect(status, `${what}: ${body}`).toBeLessThan(500)
  expect(body, what).not.toMatch(/internal error|PRIVATE KEY/)
}

test('every path takes every value, or says why not', async () => {
  const backend = await ssh.open({ clock: {}, storage: {} } as never)
  const routes = backend.paths
    // The CA of the other tests stays as it is, and keys that are made cost their time.
    .filter(({ pattern, write }) => write && !/^(config\/ca|config\/issuers|issuers\/import|issuer|issue|roles)\b/.test(pattern))
    .map(({ pattern, fields }) => ({ path: pattern.replaceAll(/:\w+/g, 'app'), fields: Object.keys(fields.shape) }))
  const asked = fc
    .constantFrom(...routes)
    .chain(({ path, fields }) => fc.record({ path: fc.constant(path), data: fc.dictionary(fc.constantFrom('x', ...fields), hostileValue) }))
  await fc.assert(
    fc.asyncProperty(asked, async ({ path, data }) => refusedOrDone(await broker.ask('POST', `ssh/${path}`, data), path)),
    runs
  )
})

test('what comes of hostile words is a certificate that the role allows, or none', async () => {
  const options = fc.dictionary(
    fc.constantFrom('permit-pty', 'force-command', 'source-address', 'verify-required', '__proto__', 'x'),
    hostileText
  )
  const names = fc.array(fc.constantFrom('alice', 'deploy', ' alice ', '', 'root')).map(list => list.join(','))
  const asked = fc.record(
    {
      valid_principals: half('alice,deploy', fc.oneof(hostileText, names)),
      key_id: half('ticket-1', hostileText),
      ttl: half('1m', fc.oneof(hostileText, fc.constantFrom(60, '2h', -1))),
      cert_type: half('user', fc.constantFrom('host', '')),
      critical_options: half({ 'force-command': 'id' }, options),
      extensions: half({ 'permit-pty': '' }, fc.oneof(options, fc.array(options)))
    },
    { requiredKeys: [] }
  )
  let signed = 0
  await fc.assert(
    fc.asyncProperty(asked, async fields => {
      const reply = await broker.ask('POST', 'ssh/sign/app', { public_key: key, ...fields })
      refusedOrDone(reply, JSON.stringify(fields))
      if (reply.status !== 200) return
      const made = parseCertificateLine(reply.json['data'].signed_key)
      signed++
      expect(isGenuine(made)).toBe(true)
      expect(made.kind).toBe('user')
      expect(made.principals.length).toBeGreaterThan(0)
      for (const principal of made.principals) expect(['alice', 'deploy']).toContain(principal)
      expect(Number(made.validBefore - made.validAfter)).toBeLessThanOrEqual(3_600 + 30 + 1)
      expect(made.keyId).toMatch(/^[A-Za-z0-9][ -~]*$/)
    }),
    runs
  )
  expect(signed).toBeGreaterThan(5)
})

test('a key that was cut, turned or added to is refused, or is another key', async () => {
  const [type, base64] = key.split(' ') as [string, string]
  const blob = Buffer.from(base64, 'base64')
  const spoiled = fc.oneof(
    hostileText,
    hostileText.map(text => `${type} ${text}`),
    hostileText.map(text => `${text} ${key}`),
    hostileText.map(text => `${key}${text}`),
    fc.nat(blob.length - 1).map(length => `${type} ${blob.subarray(0, length).toString('base64')}`),
    fc.tuple(fc.nat(blob.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, by]) => {
      const turned = Buffer.from(blob)
      turned[at]! ^= by
      return `${type} ${turned.toString('base64')}`
    })
  )
  await fc.assert(
    fc.asyncProperty(spoiled, async public_key => {
      const reply = await broker.ask('POST', 'ssh/sign/app', { public_key })
      refusedOrDone(reply, public_key)
      if (reply.status === 200) expect(isGenuine(parseCertificateLine(reply.json['data'].signed_key))).toBe(true)
    }),
    runs
  )
})

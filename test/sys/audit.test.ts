import { mkdtempSync, readFileSync, rmSync, symlinkSync, existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPublicKey } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/contracts/index.ts'
import { openBroker, text } from './open-broker.ts'
import type { TestBroker } from './open-broker.ts'

let broker: TestBroker
let folder: string
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mayfly-audit-'))
  broker = await openBroker({ auditDirectory: folder })
})
afterEach(async () => {
  await broker[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

const enable = (path: string, options: JsonObject, more: JsonObject = {}) =>
  broker.ask('write', `sys/audit/${path}`, { type: 'file', options, ...more })

test('a device gets the trail, a value can be found in it by its hash', async () => {
  expect((await enable('file', { file_path: 'trail.jsonl' }, { description: 'here' })).status).toBe(204)
  expect((await broker.ask('read', 'sys/audit')).data).toEqual({
    'file/': { path: 'file/', type: 'file', description: 'here', local: false, options: { file_path: join(folder, 'trail.jsonl') } }
  })
  await broker.ask('write', 'auth/token/revoke', { token: 's.looked-for' })
  const { data } = await broker.ask('write', 'sys/audit-hash/file', { input: 's.looked-for' })
  await until(
    () => existsSync(join(folder, 'trail.jsonl')) && readFileSync(join(folder, 'trail.jsonl'), 'utf8').includes('auth/token/revoke')
  )
  const trail = readFileSync(join(folder, 'trail.jsonl'), 'utf8')
  expect(data!['hash']).toMatch(/^hmac-sha256:[0-9a-f]{64}$/)
  expect(trail).toContain(text(data!['hash']))
  expect(trail).not.toContain('looked-for')
  expect(trail).not.toContain(broker.root)
  expect((await broker.ask('delete', 'sys/audit/file')).status).toBe(204)
  expect((await broker.ask('read', 'sys/audit')).data).toEqual({})
})

/** Files are real: they answer in their own time. */
async function until(holds: () => boolean): Promise<void> {
  await expect.poll(async () => (await broker.clock.advance('PT1S'), holds())).toBe(true)
}

describe('what is refused', () => {
  test.each<[string, JsonObject, JsonObject?]>([
    ['options.file_path is required', {}],
    ['cannot enable audit device via API: options.file_path must lie below the configured audit_dir', { file_path: '/etc/cron.d/x' }],
    ['cannot enable audit device via API: options.file_path must lie below the configured audit_dir', { file_path: '../x' }],
    ['cannot enable audit device via API: options.file_path must lie below the configured audit_dir', { file_path: '.' }],
    ['options.prefix is not offered', { file_path: 'a', prefix: '* * * * * root ' }],
    ['options.mode is not offered', { file_path: 'a', mode: '0777' }],
    ['options.log_raw is not offered', { file_path: 'a', log_raw: true }],
    ['options.hmac_accessor is not offered', { file_path: 'a', hmac_accessor: 'false' }],
    ['options.surprise is not offered', { file_path: 'a', surprise: 'x' }],
    ['unknown backend type: "socket"', {}, { type: 'socket' }],
    ['local is not offered', { file_path: 'a' }, { local: true }],
    ['the audit device cannot be written to', { file_path: 'no/such/folder/a' }],
    ['the audit device cannot be written to', { file_path: 'link' }]
  ])('%s (%j)', async (message, options, more) => {
    symlinkSync(join(folder, 'elsewhere'), join(folder, 'link'))
    expect(await enable('refused', options, more)).toMatchObject({ status: 400, error: message })
    expect((await broker.ask('read', 'sys/audit')).data).toEqual({})
    expect(broker.parts.sinks.state).toEqual([])
  })

  test('a path or a file in use', async () => {
    await enable('one', { path: join(folder, 'a.jsonl') })
    expect(await enable('one', { file_path: 'b.jsonl' })).toMatchObject({ status: 400, error: 'path already in use' })
    expect(await enable('two', { file_path: './a.jsonl' })).toMatchObject({
      status: 400,
      error: 'options.file_path: another device writes there'
    })
  })

  test('everything, where the configuration names no folder', async () => {
    await using other = await openBroker()
    expect(await other.ask('write', 'sys/audit/file', { type: 'file', options: { file_path: 'a' } })).toMatchObject({
      status: 400,
      error: expect.stringContaining('cannot enable audit device via API')
    })
  })

  test('hashing by an unknown device; disabling one is 204', async () => {
    expect(await broker.ask('write', 'sys/audit-hash/x', { input: 'a' })).toMatchObject({
      status: 400,
      error: 'unknown audit backend "x/"'
    })
    expect((await broker.ask('delete', 'sys/audit/x')).status).toBe(204)
  })
})

test('the key that proves the trail is told in PEM', async () => {
  const { data } = await broker.ask('read', 'sys/audit/checkpoint-key')
  expect(createPublicKey(text(data!['public_key'])).asymmetricKeyType).toBe('ed25519')
  expect(data!['key_id']).toEqual(expect.any(String))
})

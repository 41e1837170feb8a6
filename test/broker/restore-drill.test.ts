/** The drill: issue, back up, go on, lose the disk, restore, resume. No credential is lost, none is orphaned for ever, and none dies early. */
import { randomBytes } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openLines, verifyTrail } from '../../src/audit/verify.ts'
import { readConfig } from '../../src/config.ts'
import { restore } from '../../src/restore.ts'
import { serve } from '../../src/serve.ts'
import type { Running } from '../../src/serve.ts'
import { usersOf } from '../../plugins/memory/target.ts'
import { TestClock } from '../sim/test-clock.ts'
import { sendWire } from '../wire/serve-in-memory.ts'

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }

let folder = ''
let config = ''
let clock = new TestClock()
let running: Running | undefined
let root = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-drill-'))
  config = join(folder, 'mayfly.yaml')
  writeFileSync(
    config,
    'listener: { address: 127.0.0.1:0, tls: off }\nstorage: { sqlite: { path: ./data } }\nseal: { key_file: ./seal.key }\naudit: [{ type: file, path: ./audit.jsonl }]\n'
  )
  clock = new TestClock()
  await start()
  const from = { requestId: 'test', remoteAddress: '127.0.0.1', remotePort: 0 }
  root = (await running!.life.initialise({}, from))['root_token'] as string
  await ask('POST', 'sys/mounts/users', { type: 'memory', config: { reconcile: 'remove', reconcile_after: '5m' } })
  await ask('POST', 'users/config', { path: users() })
  await ask('POST', 'users/roles/app', { default_ttl: '1h', max_ttl: '8h' })
})
afterEach(async () => {
  await stop()
  await rm(folder, { recursive: true })
})

const users = () => join(folder, 'users.db')
const backupFile = () => join(folder, 'a.backup')
const names = () => usersOf(users()).map(({ name }) => name)

async function start(): Promise<void> {
  running = await serve(readConfig(config), { log: quiet, folder, clock })
}

async function stop(): Promise<void> {
  await running?.[Symbol.asyncDispose]()
  running = undefined
}

async function ask(method: string, path: string, body?: unknown): Promise<any> {
  const reply = await sendWire(`${address()}/v1/${path}`, method, body, root)
  if (reply.status > 299) throw new Error(`${path}: ${reply.status} ${reply.body}`)
  return reply.json
}

/** The disk knows nothing of this clock: the sink that was written to meanwhile gets real time to find its file again. */
async function later(duration: string): Promise<void> {
  await clock.advance(duration)
  while (running!.life.parts()!.sinks.state.some(({ failing }) => failing)) {
    await new Promise(resolve => setImmediate(resolve))
    await clock.advance('PT0.1S')
  }
}

/** Within minutes: the sweeper's and the reconciler's own time. A request goes through both threads of the store, so that on a busy machine the clock does not run ahead of them. */
async function untilLeft(...wanted: readonly string[]): Promise<void> {
  const reached = () => names().toSorted().join() === wanted.toSorted().join()
  for (let turn = 0; turn < 60 && !reached(); turn++) {
    await later('PT10S')
    await ask('GET', 'sys/holdings')
  }
  expect(names().toSorted()).toEqual(wanted.toSorted())
}

const address = () => `http://127.0.0.1:${running!.listener.port}`

async function issue(): Promise<{ readonly lease: string; readonly name: string }> {
  const { lease_id: lease, data } = await ask('GET', 'users/creds/app')
  return { lease, name: data.username }
}

async function backUp(): Promise<Buffer> {
  const reply = await fetch(`${address()}/v1/sys/backup`, { headers: { 'X-Vault-Token': root } })
  expect(reply.status).toBe(200)
  const bytes = Buffer.from(await reply.arrayBuffer())
  writeFileSync(backupFile(), bytes)
  return bytes
}

const restoring = (check = false, file = backupFile()) => restore({ file, config, check }, () => Promise.reject(new Error('no shares')))

async function loseTheDisk(): Promise<void> {
  await stop()
  await rm(join(folder, 'data'), { recursive: true })
}

describe('a restore', () => {
  test('loses no credential, orphans none for ever, and ends none early', async () => {
    const [kept, renewed, revoked] = [await issue(), await issue(), await issue()]
    await backUp()
    const after = await issue()
    await later('PT50M')
    await ask('POST', 'sys/leases/renew', { lease_id: renewed.lease, increment: 7_200 })
    await ask('POST', 'sys/leases/revoke', { lease_id: revoked.lease })
    await loseTheDisk()
    await restoring()
    await start()
    expect(running!.life.health()).toMatchObject({ held: true, held_cause: expect.stringContaining('restored from a backup of') as string })

    // Past the end that the restored rows name: held, nothing ends.
    await later('PT15M')
    expect(names().toSorted()).toEqual([after.name, kept.name, renewed.name].toSorted())
    await expect(issue()).rejects.toThrow('503')

    const { data } = await ask('POST', 'sys/resume', { as: 'restored' })
    expect(data).toMatchObject({ resumed: 'restored', not_compared: [], renewed: 1, without_lease: 1 })
    // What was renewed lives on to the end it was given; what was issued after the backup waits to be seen for long enough.
    await untilLeft(after.name, renewed.name)
    await untilLeft(renewed.name)
    const { data: lease } = await ask('POST', 'sys/leases/lookup', { lease_id: renewed.lease })
    expect(lease.ttl).toBeGreaterThan(5_000)
    await later('PT2H')
    await untilLeft()
    const { data: key } = await ask('GET', 'sys/audit/checkpoint-key')
    await stop()
    expect(await verifyTrail(openLines(join(folder, 'audit.jsonl')), { publicKey: key.public_key })).toMatchObject({ ok: true })
  })

  test('a target that does not answer holds up the resuming, unless it is forced', async () => {
    await issue()
    await backUp()
    await loseTheDisk()
    await restoring()
    await start()
    await rm(users())
    writeFileSync(users(), 'no database of users, but something else'.repeat(100))
    await expect(ask('POST', 'sys/resume', { as: 'restored' })).rejects.toThrow(/409.*not resumed, because 1 of the targets/)
    expect(running!.life.health()).toMatchObject({ held: true, resuming_as: 'restored' })
    await expect(ask('POST', 'sys/resume', { as: 'copy' })).rejects.toThrow('400')
    await ask('POST', 'sys/resume', { as: 'restored', force: true })
    expect(running!.life.health()).not.toHaveProperty('held')
  })

  test('goes into an empty folder only, and says what is there', async () => {
    await backUp()
    await expect(restoring()).rejects.toThrow(/data is not empty: it has heartbeat, .*; a backup is restored into an empty folder/)
    await stop()
    await expect(restoring()).rejects.toThrow('is not empty')
  })
})

describe('a backup', () => {
  test('is opened by what unseals this broker, and by nothing else', async () => {
    await backUp()
    expect(await restoring(true)).toMatchObject({ seq: expect.any(Number) as number, schema: 1 })
    writeFileSync(join(folder, 'seal.key'), `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 })
    await expect(restoring(true)).rejects.toThrow(/seal.key is not the key of this backup: the seal's key was rotated since/)
  })

  test('holds nothing of the store in clear', async () => {
    const { name } = await issue()
    const bytes = await backUp()
    const database =
      readFileSync(join(folder, 'data', 'mayfly.db')).toString('latin1') +
      readFileSync(join(folder, 'data', 'mayfly.db-wal')).toString('latin1')
    expect(database).toContain(name)
    expect(bytes.toString('latin1')).not.toContain(name)
    expect(bytes.toString('latin1')).not.toContain('SQLite format')
  })

  test('that was cut, changed, mixed or prolonged anywhere is refused, and nothing is written', async () => {
    const whole = await backUp()
    await issue()
    const other = await backUp()
    await loseTheDisk()
    const front = whole.indexOf('}}') + 2
    const changed = (at: number) => {
      const bytes = Buffer.from(whole)
      bytes[at]! ^= 1
      return bytes
    }
    const broken = [
      whole.subarray(0, 10),
      whole.subarray(0, front - 5),
      whole.subarray(0, front + 100),
      whole.subarray(0, -1),
      Buffer.concat([whole, Buffer.from('x')]),
      Buffer.concat([whole.subarray(0, front), other.subarray(other.indexOf('}}') + 2)]),
      ...[0, 17, 40, front + 1, front + 10, Math.floor(whole.length / 2), whole.length - 1].map(changed)
    ]
    for (const [n, bytes] of broken.entries()) {
      writeFileSync(backupFile(), bytes)
      await expect(restoring(), `broken ${n}`).rejects.toMatchObject({ code: 'integrity' })
      expect(() => statSync(join(folder, 'data', 'mayfly.db'))).toThrow('ENOENT')
    }
    writeFileSync(backupFile(), whole)
    await restoring()
    await start()
  })
})

/** A CA after a real backup and restore: what was signed since is dead, what was signed before lives, and no serial comes twice. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Certificate } from '../../../plugins/ssh/format/certificate.ts'
import { isCertificateRevoked } from '../../../plugins/ssh/format/krl-check.ts'
import { parseCertificateLine } from '../../../plugins/ssh/format/parse-certificate.ts'
import { parseKrl } from '../../../plugins/ssh/format/parse-krl.ts'
import { readConfig } from '../../../src/config.ts'
import { restore } from '../../../src/restore.ts'
import { serve } from '../../../src/serve.ts'
import type { Running } from '../../../src/serve.ts'
import { TestClock } from '../../sim/test-clock.ts'
import { sendWire } from '../../wire/serve-in-memory.ts'
import { newKeyLine, userRole } from './mount.ts'

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }
// Longer than the list's own pace of five minutes.
const turnsMax = 40

let folder = ''
let root = ''
let clock = new TestClock()
let running: Running | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-ssh-restored-'))
  await writeFile(
    configFile(),
    'listener: { address: 127.0.0.1:0, tls: off }\nstorage: { sqlite: { path: ./data } }\nseal: { key_file: ./seal.key }\naudit: [{ type: file, path: ./audit.jsonl }]\n'
  )
  clock = new TestClock()
  await start()
  root = (await running!.life.initialise({}, { requestId: 'test', remoteAddress: '127.0.0.1', remotePort: 0 }))['root_token'] as string
  await ask('POST', 'sys/mounts/ssh', { type: 'ssh' })
  await ask('POST', 'ssh/config/ca', {})
  await ask('POST', 'ssh/roles/app', { ...userRole, ttl: '10h', max_ttl: '10h' })
})
afterEach(async () => {
  await stop()
  await rm(folder, { recursive: true })
})

const configFile = () => join(folder, 'mayfly.yaml')
const backupFile = () => join(folder, 'a.backup')
const address = () => `http://127.0.0.1:${running!.listener.port}`

async function start(): Promise<void> {
  running = await serve(readConfig(configFile()), { log: quiet, folder, clock })
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

async function sign(): Promise<Certificate> {
  return parseCertificateLine((await ask('POST', 'ssh/sign/app', { public_key: newKeyLine() })).data.signed_key)
}

async function signed(count: number): Promise<readonly Certificate[]> {
  const certificates: Certificate[] = []
  while (certificates.length < count) certificates.push(await sign())
  return certificates
}

async function backUp(): Promise<void> {
  const reply = await fetch(`${address()}/v1/sys/backup`, { headers: { 'X-Vault-Token': root } })
  expect(reply.status).toBe(200)
  await writeFile(backupFile(), Buffer.from(await reply.arrayBuffer()))
}

async function loseTheDiskAndRestore(as: 'restored' | 'copy'): Promise<void> {
  await stop()
  await rm(join(folder, 'data'), { recursive: true })
  await restore({ file: backupFile(), config: configFile(), check: false }, () => Promise.reject(new Error('no shares')))
  await start()
  await ask('POST', 'sys/resume', { as })
}

async function refused(certificates: readonly Certificate[]): Promise<readonly bigint[]> {
  const reply = await fetch(`${address()}/v1/ssh/krl`)
  if (reply.status === 404) return []
  const krl = parseKrl(Buffer.from(await reply.arrayBuffer()))
  return certificates.filter(certificate => isCertificateRevoked(krl, certificate)).map(({ serial }) => serial)
}

/** The clock goes on until the list that hosts pull refuses these. */
async function untilRefused(certificates: readonly Certificate[]): Promise<void> {
  for (let turn = 0; turn < turnsMax && (await refused(certificates)).length < certificates.length; turn++) await clock.advance('PT10S')
  expect(await refused(certificates)).toEqual(certificates.map(({ serial }) => serial))
}

// In one block of serials, and over several.
test.each([5, 300])('what was signed after the backup is refused once the store took its place: %i certificates', async count => {
  const before = await signed(3)
  await backUp()
  const after = await signed(count)
  await clock.advance('PT1M')
  await loseTheDiskAndRestore('restored')
  // Nothing is signed: hosts must not wait for that.
  await untilRefused(after)
  expect(await refused(before)).toEqual([])
  const next = await signed(2)
  expect(next[0]!.serial).toBeGreaterThan(after.at(-1)!.serial)
  await clock.advance('PT10M')
  expect(await refused([...before, ...next])).toEqual([])
})

test('and so it is after a month, whatever the operator says that it is', async () => {
  await stop()
  await clock.advance('PT720H')
  await start()
  const before = await sign()
  await backUp()
  const after = await sign()
  await loseTheDiskAndRestore('copy')
  const next = await sign()
  await untilRefused([after])
  expect(await refused([before, next])).toEqual([])
})

test('a death before anything is signed changes nothing of it', async () => {
  const before = await sign()
  await backUp()
  const after = await signed(200)
  await loseTheDiskAndRestore('restored')
  for (let death = 0; death < 3; death++) {
    await clock.advance('PT2S')
    await stop()
    await start()
  }
  await untilRefused(after)
  expect(await refused([before])).toEqual([])
})

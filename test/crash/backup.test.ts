import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { backupPoints, resumePoints } from '../../src/broker/crash-point.ts'
import { restore } from '../../src/restore.ts'
import { Api } from './api.ts'
import { Child, freePort } from './child.ts'

const main = join(import.meta.dirname, '../../src/main.ts')
const pluginName = join(import.meta.dirname, '../../src/plugin-name.ts')

// Each starts three brokers and as many clients.
const timeout = 180_000

let folder = ''
let config = ''
let api = new Api('')

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-crash-backup-'))
  config = join(folder, 'mayfly.yaml')
  const port = await freePort()
  writeFileSync(
    config,
    `listener: { address: 127.0.0.1:${port}, tls: off }\nstorage: { sqlite: { path: ./data } }\nseal: { key_file: ./seal.key }\nlog_level: error\n`
  )
  api = new Api(`http://127.0.0.1:${port}`)
  await using broker = await started()
  api.token = (await api.must('PUT', 'sys/init', {})).root_token
  await api.must('PUT', 'sys/mounts/memory', { type: 'memory' })
  await api.must('PUT', 'memory/config', { path: join(folder, 'users.db') })
  await api.must('PUT', 'memory/roles/app', { default_ttl: '1h' })
  for (let n = 0; n < 20; n++) await api.must('GET', 'memory/creds/app')
  await broker.stop()
})
afterEach(() => rm(folder, { recursive: true }))

async function started(point?: string): Promise<Child> {
  const broker = Child.start(config, point)
  await broker.serving(api.address)
  return broker
}

const backupFile = () => join(folder, 'a.backup')

/** `mayfly operator backup`, in a process of its own. */
function backingUp() {
  const env = { PATH: process.env['PATH'], HOME: folder, MAYFLY_ADDR: api.address, MAYFLY_TOKEN: api.token }
  return spawn(process.execPath, ['--import', pluginName, main, 'operator', 'backup', backupFile()], { env, stdio: 'ignore' })
}

async function backUp(): Promise<void> {
  const [code] = (await once(backingUp(), 'exit')) as [number]
  expect(code).toBe(0)
}

const restoring = (check = false) => restore({ file: backupFile(), config, check }, () => Promise.reject(new Error('no shares')))

const issued = async () => (await api.must('GET', 'sys/holdings')).data.holdings.length as number

describe('a broker that dies in a backup', () => {
  for (const point of backupPoints)
    test(`at ${point}: no file has the name, nothing is left, and it goes on`, { timeout }, async () => {
      await using broker = await started(point)
      const [code] = (await once(backingUp(), 'exit')) as [number]
      await broker.ended
      expect(broker.killed).toBe(true)
      expect(code).not.toBe(0)
      expect(readdirSync(folder).filter(name => name.startsWith('a.backup'))).toEqual([])
      await using again = await started()
      expect(readdirSync(join(folder, 'data')).filter(name => name.startsWith('copy-'))).toEqual([])
      expect(await issued()).toBe(20)
      await backUp()
      expect(await restoring(true)).toMatchObject({ schema: 1 })
      await again.stop()
    })

  test('a client that dies leaves no file with the name, and the broker goes on', { timeout }, async () => {
    await using broker = await started()
    for (let round = 0; round < 6; round++) {
      const client = backingUp()
      await wait(150 + 120 * round)
      client.kill('SIGKILL')
      await once(client, 'exit')
      if (existsSync(backupFile())) {
        // It was through: what has the name is whole.
        await restoring(true)
        rmSync(backupFile())
      }
      rmSync(`${backupFile()}.part`, { force: true })
      expect(await issued()).toBe(20)
    }
    expect(readdirSync(join(folder, 'data')).filter(name => name.startsWith('copy-'))).toEqual([])
    await broker.stop()
  })
})

describe('a restore that is cut off', () => {
  test('leaves no store behind, refuses to begin another one, and can be done again', { timeout }, async () => {
    await using broker = await started()
    await backUp()
    await broker.stop()
    renameSync(join(folder, 'data'), join(folder, 'lost'))
    const code = `import(${JSON.stringify(join(import.meta.dirname, '../../src/store/sqlite/restore-database.ts'))}).then(m =>
      m.restoreDatabase(${JSON.stringify(join(folder, 'data'))}, (async function* () { yield Buffer.alloc(4096); process.kill(process.pid, 'SIGKILL') })(), { schema: 1 }, {}))`
    const [, signal] = (await once(spawn(process.execPath, ['-e', code], { stdio: 'ignore' }), 'exit')) as [null, string]
    expect(signal).toBe('SIGKILL')
    expect(readdirSync(join(folder, 'data'))).toEqual(['restoring.tmp'])
    const refused = Child.start(config)
    await refused.ended
    expect(refused.output).toContain('a restore into')
    expect(readdirSync(join(folder, 'data'))).toEqual(['restoring.tmp'])
    await restoring()
    await using again = await started()
    expect((await api.ask('GET', 'sys/health')).body).toMatchObject({ held: true })
    expect(await issued()).toBe(20)
    await again.stop()
  })
})

describe('a resume that is cut off', () => {
  for (const as of ['restored', 'copy'] as const)
    for (const point of resumePoints)
      test(`as ${as}, at ${point}: it is held until it is done again, or done`, { timeout }, async () => {
        cpSync(join(folder, 'data'), join(folder, 'copied'), { recursive: true, preserveTimestamps: true })
        rmSync(join(folder, 'data'), { recursive: true })
        renameSync(join(folder, 'copied'), join(folder, 'data'))
        await using broker = await started(point)
        await expect(api.must('PUT', 'sys/resume', { as })).rejects.toThrow('fetch failed')
        await broker.ended
        expect(broker.killed).toBe(true)
        await using again = await started()
        const { body: health } = await api.ask('GET', 'sys/health')
        if (point === 'resume:before-lift') {
          expect(health).toMatchObject({ held: true, resuming_as: as })
          expect((await api.ask('PUT', 'sys/resume', { as: as === 'copy' ? 'restored' : 'copy' })).status).toBe(400)
          await api.must('PUT', 'sys/resume', { as })
        } else expect(health).not.toHaveProperty('held')
        expect(await issued()).toBe(as === 'copy' ? 0 : 20)
        await api.must('GET', 'memory/creds/app')
        expect(readFileSync(join(folder, 'data', 'audit.jsonl'), 'utf8')).toContain('sys/resume')
        await again.stop()
      })
})

/** Kills the broker at every moment of a rotation of its keys, starts it again, and asks for everything that was sealed. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { usersOf } from '../../plugins/memory/target.ts'
import type { CrashPoint } from '../../src/broker/crash-point.ts'
import { keyPoints } from '../../src/broker/crash-point.ts'
import { Api } from './api.ts'
import { freePort } from './child.ts'

let folder: string
let api: Api
let leases: readonly string[]
let since = 0
const running = new Set<ChildProcess>()
const at = (name: string) => join(folder, name)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-keys-'))
  const port = await freePort()
  const lines = [
    `listener: { address: 127.0.0.1:${port}, tls: off }`,
    'storage: { sqlite: { path: ./data } }',
    'seal: { key_file: ./seal.key }',
    'log_level: error'
  ]
  await writeFile(at('mayfly.yaml'), lines.join('\n'))
  api = new Api(`http://127.0.0.1:${port}`)
  leases = await fill()
  since = Date.now()
}, 60_000)
afterEach(async () => {
  for (const child of running) {
    child.kill('SIGKILL')
    await ended(child)
  }
  running.clear()
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const ended = (child: ChildProcess) =>
  child.exitCode !== null || child.signalCode !== null ? undefined : new Promise(resolve => void child.once('exit', resolve))

async function started(point: CrashPoint | 'none' = 'none', pass = 1): Promise<ChildProcess> {
  const words = [join(import.meta.dirname, 'broker.ts'), at('mayfly.yaml'), point, String(pass), ...(since > 0 ? [String(since)] : [])]
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'inherit'] })
  running.add(child)
  for (let up = false; !up; await wait(20)) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the broker ended before it served: ${child.signalCode}`)
    up = await fetch(`${api.address}/v1/sys/seal-status`).then(
      response => response.ok,
      () => false
    )
  }
  return child
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM')
  await ended(child)
  running.delete(child)
}

const keyFile = () => readFile(at('seal.key'), 'utf8')

/** A store with something sealed in every table, and what was issued from it. */
async function fill(): Promise<readonly string[]> {
  const child = await started()
  api.token = (await api.must('PUT', 'sys/init', {})).root_token
  await api.must('POST', 'sys/mounts/users', { type: 'memory' })
  await api.must('POST', 'users/config', { path: at('users.db') })
  await api.must('POST', 'users/roles/app', { default_ttl: '300h', max_ttl: '600h' })
  const issued: string[] = []
  for (let n = 0; n < 3; n++) issued.push((await api.must('GET', 'users/creds/app')).lease_id)
  await stop(child)
  return issued
}

/** Everything that was sealed still opens: configuration, recipes, handles. The store is one for all tests: what a death breaks shows in each that follows. */
async function allOpens(): Promise<void> {
  expect((await api.must('GET', 'users/roles/app')).data).toMatchObject({ default_ttl: 1_080_000 })
  for (const lease of leases) await api.must('PUT', 'sys/leases/renew', { lease_id: lease, increment: 1_080_000 })
}

const keyStatus = async () => (await api.must('GET', 'sys/key-status')).data

async function untilOneKey(): Promise<any> {
  for (;;) {
    const status = await keyStatus()
    if (status.oldest_term === status.term) return status
    await wait(50)
  }
}

// The first change of the keyring is the count at the start, the second the rotation itself.
const moments = keyPoints.map(point => ({ point, pass: point === 'keys:after-commit' ? 2 : 1 }))

test.each(moments)('a death at $point loses nothing that was sealed', { timeout: 90_000 }, async ({ point, pass }) => {
  const before = await keyFile()
  const ofSeal = point.startsWith('seal-key:')
  const doomed = await started(point, pass)
  const { term } = await keyStatus()
  await api.ask('PUT', ofSeal ? 'sys/rotate/seal' : 'sys/rotate').catch(() => undefined)
  await ended(doomed)
  expect(doomed.signalCode).toBe('SIGKILL')
  running.delete(doomed)
  const next = await started()
  if (ofSeal) {
    expect((await keyFile()) === before).toBe(point === 'seal-key:after-new-file')
    // Half-done or done: the next one goes through, and leaves one file.
    await api.must('PUT', 'sys/rotate/seal')
    await expect(access(at('seal.key.new'))).rejects.toMatchObject({ code: 'ENOENT' })
  } else {
    if (point === 'rotate:before-commit') await api.must('PUT', 'sys/rotate')
    expect(await untilOneKey()).toMatchObject({ term: term + 1, resealing: null })
  }
  await stop(next)
  const last = await started()
  await allOpens()
  await stop(last)
})

test('the old key of the seal opens the store no more', { timeout: 60_000 }, async () => {
  const before = await keyFile()
  const child = await started()
  await api.must('PUT', 'sys/rotate/seal')
  await stop(child)
  const after = await keyFile()
  expect(after).not.toBe(before)
  await writeFile(at('seal.key'), before)
  await expect(started()).rejects.toThrow('ended before it served')
  await writeFile(at('seal.key'), after)
})

test('a crash counts encryptions that were not made, never fewer than were', { timeout: 60_000 }, async () => {
  const child = await started()
  const made = (await keyStatus()).encryptions
  await api.must('POST', 'sys/rotate/config', { interval: '48h' })
  child.kill('SIGKILL')
  await ended(child)
  const next = await started()
  const { encryptions } = await keyStatus()
  expect(encryptions).toBeGreaterThan(made)
  expect(encryptions).toBeLessThan(made + 2 * 65_536)
  await stop(next)
})

test('after all of it every credential still ends', { timeout: 60_000 }, async () => {
  const child = await started()
  for (const lease of leases) await api.must('PUT', 'sys/leases/revoke', { lease_id: lease })
  expect(usersOf(at('users.db'))).toEqual([])
  await stop(child)
})

/** Every secret of a whole run is looked for wherever a program writes: it is in the reply that hands it out, and nowhere else. */
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedPostgres } from '../targets/shared-postgres.ts'
import { canariesIn, filesBelow } from './canary-scan.ts'
import type { Place } from './canary-scan.ts'
import { secretLife } from './secret-life.ts'
import type { SecretLife } from './secret-life.ts'

const postgres = await sharedPostgres()
let life: SecretLife
let ofProcess: readonly Place[]
let files: readonly Place[]

beforeAll(async () => {
  life = await secretLife(postgres)
  const { child, folder } = life.broker
  const shown = process.platform === 'linux' ? ['environ', 'cmdline', 'status'] : []
  ofProcess = shown.map(name => ({ name, bytes: readFileSync(`/proc/${child.pid}/${name}`) }))
  // Killed, so that what it keeps open is there as it was.
  child.kill()
  await child.ended
  files = filesBelow(folder)
})
afterAll(async () => {
  await life.broker[Symbol.asyncDispose]()
  await postgres[Symbol.asyncDispose]()
})

test('the run had secrets of every kind', () => {
  expect(life.canaries.length).toBeGreaterThan(35)
  expect(new Set(life.replies.map(({ status }) => status))).toEqual(new Set([200, 204, 400, 403, 404, 405, 500]))
})

test('none is in the files of the broker: store, its log, the trail, the target in a file, the configuration', () => {
  expect(files.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['data/mayfly.db', 'data/mayfly.db-wal', 'data/mayfly.db-shm', 'audit.jsonl', 'users.db', 'mayfly.yaml'])
  )
  expect(canariesIn(life.canaries, files)).toEqual([])
})

test('none is in what it wrote to standard output and standard error, nor in what the system shows of its process', () => {
  const output = Buffer.from(life.broker.child.output)
  expect(output.toString()).toContain('mayfly serves')
  expect(canariesIn(life.canaries, [...ofProcess, { name: 'output', bytes: output }])).toEqual([])
})

test('none is in the log of the database, which logs every statement and those that failed', () => {
  const log = readFileSync(postgres.logFile)
  expect(log.toString()).toContain('role "not_there" does not exist')
  expect(canariesIn(life.canaries, [{ name: 'the log', bytes: log }])).toEqual([])
})

test('none is in a reply, but in the one that hands it out and in those to who showed it', () => {
  const handingOut =
    /^(PUT sys\/init|GET (users|database)\/creds\/\S+|POST auth\/token\/(create|lookup|renew)|POST auth\/approle\/(login|role\/there\/(custom-)?secret-id))$/
  const places = life.replies
    .filter(({ asked, status }) => status !== 200 || !handingOut.test(asked))
    .map(({ asked, text }) => ({ name: asked, bytes: Buffer.from(text) }))
  expect(places.length).toBeGreaterThan(40)
  expect(canariesIn(life.canaries, places)).toEqual([])
})

test('row 95: the trail has no accessor in clear', () => {
  const trail = files.filter(({ name }) => name === 'audit.jsonl')
  expect(life.accessors.length).toBeGreaterThan(2)
  expect(canariesIn(life.accessors, trail)).toEqual([])
})

/** Attacks, as a table: each row at a whole running broker with a real PostgreSQL behind it, over bytes. Whatever is sent, the answer is a refusal in time; nothing has changed,
 *  nothing is told, and the trail says who tried. What is taken in the right way instead of refused is in taken.test.ts. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedPostgres } from '../targets/shared-postgres.ts'
import { attackBy, cast } from './attack.ts'
import type { Cast } from './attack.ts'
import { bodyAttacks } from './body-attacks.ts'
import { brokerUnderAttack } from './broker-under-attack.ts'
import type { BrokerUnderAttack } from './broker-under-attack.ts'
import { databaseAttacks } from './database-attacks.ts'
import { httpAttacks } from './http-attacks.ts'
import { loginAttacks } from './login-attacks.ts'
import { operationAttacks } from './operation-attacks.ts'
import { pathAttacks } from './path-attacks.ts'
import { rightAttacks } from './right-attacks.ts'

const attacks = [
  ...pathAttacks,
  ...bodyAttacks,
  ...httpAttacks,
  ...rightAttacks,
  ...loginAttacks,
  ...databaseAttacks,
  ...operationAttacks
].map((attack, index) => ({ ...attack, title: attack.what.slice(0, 80), userAgent: `attacker-${index}` }))

// The machine may be busy with other suites; what grows with the input takes longer than this.
const replyMsMax = 8_000
const growthMbMax = 400

const canary = `cAnArY${randomBytes(9).toString('base64url')}`
const postgres = await sharedPostgres()
let broker: BrokerUnderAttack
let people: Cast
let before: unknown
let memoryBefore: number

beforeAll(async () => {
  broker = await brokerUnderAttack({ postgres })
  people = await cast(broker)
  people = { ...people, words: { ...people.words, canary } }
  before = await broker.state()
  memoryBefore = broker.memoryMb()
})
afterAll(async () => {
  await broker[Symbol.asyncDispose]()
  await postgres[Symbol.asyncDispose]()
})

test.each(attacks)('row $row: $title', async attack => {
  const { reply, ms } = await attackBy(attack, broker, people, attack.userAgent)
  expect(`${reply?.status} ${reply?.body}`).toMatch(new RegExp(`^(${[attack.status].flat().join('|')}) `))
  if (attack.says) expect(reply?.body).toMatch(attack.says)
  expect(reply?.body).not.toContain(canary)
  expect(ms).toBeLessThan(replyMsMax)
  const [was, is] = [before, await broker.state()]
  before = is
  expect(is).toEqual(was)
})

test('what reached the door is in the trail, asked and refused', async () => {
  const heard = attacks.filter(({ heardBy }) => heardBy === undefined)
  await broker.audit.of(heard.at(-1)!.userAgent)
  const wrong = heard.filter(({ userAgent }) => {
    const entries = broker.audit.soFar(userAgent).map(({ type, error }) => `${type} ${error === undefined}`)
    return entries.join() !== 'request true,response false'
  })
  expect(wrong.map(({ row, title }) => `${row}: ${title}`)).toEqual([])
})

test('what had no identity is counted, and what no part of the broker could read leaves no entry', async () => {
  const counted = attacks.filter(({ heardBy }) => heardBy === 'the counter')
  const sum = () =>
    broker.audit.entries.filter(({ operation }) => operation === 'refuse').reduce((all, { refusals }) => all + Number(refusals.count), 0)
  await broker.audit.find(() => sum() >= counted.length)
  expect(sum()).toBe(counted.length)
  const silent = attacks.filter(({ heardBy }) => heardBy !== undefined)
  expect(silent.flatMap(({ userAgent }) => broker.audit.soFar(userAgent))).toEqual([])
})

test('no word of what was refused stands in the trail or in the log, and the memory has not grown without bound', async () => {
  expect(readFileSync(`${broker.folder}/audit.jsonl`, 'utf8')).not.toContain(canary)
  expect(broker.child.output).not.toContain(canary)
  expect(broker.child.output).not.toContain('met a bug')
  expect(broker.memoryMb() - memoryBefore).toBeLessThan(growthMbMax)
})

test('every row that is refused is in the tables', () => {
  const rows = new Set(attacks.map(({ row }) => row))
  expect([...rows].toSorted((a, b) => a - b)).toEqual([
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17, 18, 19, 20, 23, 27, 28, 29, 30, 31, 33, 35, 36, 38, 42, 43, 44, 46, 47, 48, 70, 72,
    73, 74, 75, 76, 93, 96
  ])
})

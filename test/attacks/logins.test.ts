/** Guessing at logins: what is told of who is there, by words and by time. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { brokerUnderAttack } from './broker-under-attack.ts'
import type { BrokerUnderAttack } from './broker-under-attack.ts'
import { median } from '../bench/table.ts'

let broker: BrokerUnderAttack
let roleIds: Record<'there' | 'other', string>
const login = (role_id: string, secret_id: string) => broker.as('').ask('POST', 'auth/approle/login', { role_id, secret_id })

beforeAll(async () => {
  broker = await brokerUnderAttack()
  const roleId = async (name: string) => (await broker.root.must('GET', `auth/approle/role/${name}/role-id`)).data.role_id
  roleIds = { there: await roleId('there'), other: await roleId('other') }
})
afterAll(() => broker[Symbol.asyncDispose]())

test('row 41: five guesses at one role, in parallel, lock it and nobody else, and its own proof is not told from a guess', async () => {
  const { secret_id } = (await broker.root.must('POST', 'auth/approle/role/there/secret-id', {})).data
  const guesses = await Promise.all(Array.from({ length: 20 }, (_, i) => login(roleIds.there, `guess ${i}`)))
  expect(guesses.filter(({ status }) => status === 400)).toHaveLength(5)
  expect(guesses.filter(({ status }) => status === 403)).toHaveLength(15)
  const [right, wrong] = [await login(roleIds.there, secret_id), await login(roleIds.there, 'guess 21')]
  expect(right).toEqual(wrong)
  expect(right).toEqual({ status: 403, body: { errors: ['permission denied'] } })
  const other = (await broker.root.must('POST', 'auth/approle/role/other/secret-id', {})).data
  expect((await login(roleIds.other, other.secret_id)).status).toBe(200)
})

test('row 42: a role that is there and one that is not answer alike, and take as long', async () => {
  await broker.root.must('POST', 'sys/auth/approle/tune', { user_lockout_config: { lockout_disable: true } })
  const taken: Record<'known' | 'unknown', number[]> = { known: [], unknown: [] }
  const bodies = new Set<string>()
  // In turns, so that whatever else happens on the machine happens to both.
  for (let i = 0; i < 300; i++)
    for (const [kind, role_id] of [
      ['known', roleIds.other],
      ['unknown', `${roleIds.other.slice(0, -4)}0000`]
    ] as const) {
      const startedAt = performance.now()
      const answer = await login(role_id, `guess ${i}`)
      taken[kind].push(performance.now() - startedAt)
      bodies.add(JSON.stringify(answer))
    }
  expect([...bodies]).toEqual([JSON.stringify({ status: 400, body: { errors: ['invalid role or secret ID'] } })])
  const ratio = median(taken.known) / median(taken.unknown)
  expect(ratio).toBeGreaterThan(0.7)
  expect(ratio).toBeLessThan(1.4)
})

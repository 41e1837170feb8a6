/** What somebody without a token learns of roles and of guesses, and what they can make grow. */
import { expect, test } from 'vitest'
import { approleStand, refused } from '../auth/approle-stand.ts'
import type { AppRoleStand } from '../auth/approle-stand.ts'
import type { JsonObject } from '../../src/contracts/index.ts'

const here = '192.0.2.7'

async function guesses(stand: AppRoleStand, role_id: string, address = here): Promise<readonly unknown[]> {
  const told: unknown[] = []
  for (let i = 0; i < 8; i++) {
    const { status, error } = await stand.login({ role_id, secret_id: `guess ${i}` }, address)
    told.push([status, error])
  }
  return told
}

test('a role id that is there, one that is not, and one of a role for other networks are refused alike, and locked alike', async () => {
  await using stand = await approleStand()
  await stand.role('shop', { role_id: 'shop' })
  await stand.role('far', { role_id: 'far', secret_id_bound_cidrs: '10.0.0.0/8' })
  const there = await guesses(stand, 'shop')
  expect(there.slice(4)).toEqual([[400, refused.error], ...Array.from({ length: 3 }, () => [403, 'permission denied'])])
  expect(await guesses(stand, 'nobody')).toEqual(there)
  expect(await guesses(stand, 'far')).toEqual(there)
  await stand.clock.advance('PT15M')
  for (const role_id of ['shop', 'far', 'nobody']) expect(await stand.login({ role_id, secret_id: 'a guess' })).toMatchObject(refused)
})

test('whoever guesses from outside its networks locks nobody inside out, nor shows among the locked', async () => {
  await using stand = await approleStand()
  await stand.role('far', { secret_id_bound_cidrs: '10.0.0.0/8' })
  const far = await stand.secretId('far')
  await guesses(stand, far.role_id)
  await guesses(stand, 'nobody')
  expect((await stand.ask('read', 'sys/locked-users')).data).toMatchObject({ total: 0 })
  expect((await stand.login(far, '10.0.0.1')).status).toBe(200)
})

test('without a secret id a role that asks for none is not told from no role, outside its networks', async () => {
  await using stand = await approleStand()
  await stand.role('open', { role_id: 'open', bind_secret_id: false, secret_id_bound_cidrs: '10.0.0.0/8' })
  const outside = await stand.login({ role_id: 'open' })
  expect(outside).toEqual(await stand.login({ role_id: 'nobody' }))
  expect((await stand.login({ role_id: 'open' }, '10.0.0.1')).status).toBe(200)
})

test('a secret id that is good elsewhere is not told from a guess, and its guesses count', async () => {
  await using stand = await approleStand()
  await stand.role('shop', { role_id: 'shop' })
  const proof = await stand.secretId('shop', { cidr_list: '10.0.0.0/8', num_uses: 1 })
  const tries = await Promise.all(Array.from({ length: 8 }, () => stand.login(proof)))
  expect(tries.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400, 403, 403, 403])
  await stand.clock.advance('PT15M')
  await guesses(stand, 'shop')
  // While it is locked the right one answers as every other.
  expect(await stand.login(proof)).toEqual(await stand.login({ role_id: 'shop', secret_id: 'a guess' }))
  await stand.clock.advance('PT15M')
  expect((await stand.login(proof, '10.0.0.1')).status).toBe(200)
})

async function auditBytes(
  stand: AppRoleStand,
  work: () => Promise<unknown>
): Promise<{ readonly entries: number; readonly bytes: number }> {
  const { store } = stand.parts
  const before = (await store.chainHead()).seq
  await work()
  const lines = await store.auditLines(before, 100_000)
  return { entries: lines.length, bytes: lines.reduce((sum, { line }) => sum + line.length, 0) }
}

test('a flood from many addresses costs no more entries than a flood from some', async () => {
  await using stand = await approleStand()
  const { entries } = await auditBytes(stand, async () => {
    const flood = Array.from({ length: 1_500 }, (_, i) => stand.login({ role_id: 'nobody', secret_id: 'x' }, `2001:db8::${i.toString(16)}`))
    await Promise.all(flood)
    await stand.clock.advance('PT2S')
  })
  // A hundred that are told, and a number for each of a hundred addresses and the rest.
  expect(entries).toBeLessThanOrEqual(2 * 100 + 101 + 2)
  expect(entries).toBeGreaterThan(0)
})

test('what a caller without an identity sends is not copied into the trail, however much it is', async () => {
  await using stand = await approleStand()
  const wide: JsonObject = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`${'k'.repeat(100)}${i}`, `v${i}`]))
  const { entries, bytes } = await auditBytes(stand, () =>
    stand.ask('write', 'auth/approle/login', { ...wide, role_id: 'a', secret_id: 'b' }, { token: null })
  )
  expect(entries).toBe(2)
  expect(bytes).toBeLessThan(10_000)
})

test('what everybody may read without a token is answered, and in a flood refused, without an entry for each', async () => {
  await using stand = await approleStand()
  const read = () => stand.ask('read', 'sys/internal/ui/mounts', {}, { token: null })
  expect((await read()).status).toBe(200)
  await stand.clock.advance('PT1S')
  const { entries } = await auditBytes(stand, async () => {
    const statuses = (await Promise.all(Array.from({ length: 100 }, read))).map(({ status }) => status)
    expect(new Set(statuses)).toEqual(new Set([200, 429]))
  })
  expect(entries).toBeLessThanOrEqual(2 * 20)
  await stand.clock.advance('PT1S')
  expect((await read()).status).toBe(200)
  for (let i = 0; i < 30; i++) expect((await stand.ask('read', 'sys/internal/ui/mounts')).status).toBe(200)
})

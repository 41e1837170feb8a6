/** Logins at the same time, and what they race with. */
import { expect, test } from 'vitest'
import { approleStand } from '../auth/approle-stand.ts'

test('of a hundred logins at once with one use exactly one gets in', async () => {
  await using stand = await approleStand()
  await stand.role('shop')
  const proof = await stand.secretId('shop', { num_uses: 1 })
  const answers = await Promise.all(Array.from({ length: 100 }, () => stand.login(proof)))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  const accessors = (await stand.ask('list', 'auth/token/accessors')).data?.['keys']
  expect(accessors).toHaveLength(2)
})

test('of a hundred logins at once with seven uses exactly seven get in', async () => {
  await using stand = await approleStand()
  await stand.role('shop')
  const proof = await stand.secretId('shop', { num_uses: 7 })
  const answers = await Promise.all(Array.from({ length: 100 }, () => stand.login(proof)))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(7)
  expect((await stand.login(proof)).status).not.toBe(200)
})

test('no login gets in after the answer that its secret id is gone', async () => {
  await using stand = await approleStand()
  for (let round = 0; round < 10; round++) {
    const name = `shop${round}`
    await stand.role(name)
    const proof = await stand.secretId(name)
    let gone = false
    const late: number[] = []
    const tries = Array.from({ length: 20 }, async () => {
      for (;;) {
        const asked = gone
        const { status } = await stand.login(proof)
        if (asked) late.push(status)
        if (asked) return
      }
    })
    await stand.ask('write', `auth/approle/role/${name}/secret-id/destroy`, { secret_id: proof.secret_id })
    gone = true
    await Promise.all(tries)
    expect(new Set(late)).not.toContain(200)
  }
})

test('a login that races with an edit of its role gets what the role said before or after, never after the answer what it said before', async () => {
  await using stand = await approleStand()
  await stand.role('shop', { token_policies: 'wide' })
  const proof = await stand.secretId('shop')
  const before = Array.from({ length: 50 }, () => stand.login(proof))
  const edited = stand.ask('write', 'auth/approle/role/shop', { token_policies: 'narrow' })
  for (const { auth } of await Promise.all(before)) expect(['wide', 'narrow']).toContain(auth?.policies.find(name => name !== 'default'))
  await edited
  expect((await stand.login(proof)).auth?.policies).toEqual(['default', 'narrow'])
})

test('a secret id that is made anew while a login is on its way gives what it says now, whether its uses are counted or not', async () => {
  await using stand = await approleStand()
  for (const num_uses of [0, 1, 5]) {
    const role_id = await stand.role(`shop${num_uses}`)
    const path = `auth/approle/role/shop${num_uses}`
    const register = (at: string) =>
      stand.ask('write', `${path}/custom-secret-id`, { secret_id: 'chosen', num_uses, metadata: JSON.stringify({ at }) })
    await register('first')
    const changed = Promise.withResolvers<void>()
    const at = async (point: string) => {
      if (point !== 'login:before-commit') return
      Object.assign(stand.parts, { at: async () => undefined })
      await stand.ask('write', `${path}/secret-id/destroy`, { secret_id: 'chosen' })
      await register('second')
      changed.resolve()
    }
    Object.assign(stand.parts, { at })
    const { auth } = await stand.login({ role_id, secret_id: 'chosen' })
    await changed.promise
    expect(auth?.metadata).toMatchObject({ at: 'second' })
  }
})

test('a token with a number of uses, made by a login, ends with its last', async () => {
  await using stand = await approleStand()
  await stand.role('shop', { token_num_uses: 2 })
  const { auth } = await stand.login(await stand.secretId('shop'))
  expect(auth?.num_uses).toBe(2)
  const look = async () => (await stand.ask('read', 'auth/token/lookup-self', {}, { token: auth!.client_token })).status
  expect([await look(), await look(), await look()]).toEqual([200, 200, 403])
})

import { expect, test } from 'vitest'
import { scramVerifier, wellFormed } from '../../../plugins/postgresql/create/scram.ts'
import { systemRandom } from '../../../src/system-clock.ts'

const never = new AbortController().signal

test('the verifier is that of RFC 7677', async () => {
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
  const verifier = await scramVerifier('pencil', { bytes: () => salt, below: () => 0 }, never)
  expect(verifier).toBe(
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU='
  )
})

test('two verifiers of one password differ', async () => {
  expect(await scramVerifier('same', systemRandom, never)).not.toBe(await scramVerifier('same', systemRandom, never))
})

test('a malformed verifier does not leave, because the server would take it for a password', () => {
  const salt = 'W22ZaJ0SNY7soEsUEjb6gQ=='
  const key = 'WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY='
  expect(wellFormed(`SCRAM-SHA-256$4096:${salt}$${key}:${key}`)).toContain(salt)
  for (const bad of [
    `SCRAM-SHA-256$4096:${salt}$${key}`,
    `SCRAM-SHA-256$409:${salt}$${key}:${key}`,
    `x SCRAM-SHA-256$4096:${salt}$${key}:${key}`,
    ''
  ])
    expect(() => wellFormed(bad)).toThrow('malformed')
})

test('a password that would need SASLprep is refused, without being told', async () => {
  for (const odd of ['pässword', 'tab\there', ''])
    await expect(scramVerifier(odd, systemRandom, never)).rejects.toMatchObject({
      code: 'invalid_request',
      message: 'password: only printable ASCII can become a SCRAM verifier'
    })
})

test('whoever goes before its turn does not wait for it', async () => {
  const gone = new AbortController()
  const order: string[] = []
  const busy = Array.from({ length: 4 }, () => scramVerifier('same', systemRandom, never).then(() => order.push('computed')))
  const waiting = Promise.allSettled(Array.from({ length: 50 }, () => scramVerifier('same', systemRandom, gone.signal)))
  gone.abort()
  for (const one of await waiting) expect(one).toMatchObject({ status: 'rejected', reason: { code: 'target_unreachable' } })
  expect(order).toEqual([])
  await Promise.all(busy)
  expect(await scramVerifier('same', systemRandom, never)).toMatch(/^SCRAM-SHA-256/)
})

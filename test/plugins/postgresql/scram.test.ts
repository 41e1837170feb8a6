import { expect, test } from 'vitest'
import { scramVerifier, wellFormed } from '../../../plugins/postgresql/create/scram.ts'
import { systemRandom } from '../../../src/system-clock.ts'

test('the verifier is that of RFC 7677', async () => {
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
  const verifier = await scramVerifier('pencil', { bytes: () => salt, below: () => 0 })
  expect(verifier).toBe(
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU='
  )
})

test('two verifiers of one password differ', async () => {
  expect(await scramVerifier('same', systemRandom)).not.toBe(await scramVerifier('same', systemRandom))
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
    await expect(scramVerifier(odd, systemRandom)).rejects.toMatchObject({
      code: 'invalid_request',
      message: 'password: only printable ASCII can become a SCRAM verifier'
    })
})

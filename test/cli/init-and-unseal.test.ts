import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { realBroker } from './real-broker.ts'
import { Shell } from './shell.ts'

let broker: Awaited<ReturnType<typeof realBroker>>
const shell = new Shell()

beforeAll(async () => {
  broker = await realBroker('shamir')
  shell.env['MAYFLY_ADDR'] = broker.address
})

afterAll(async () => {
  shell[Symbol.dispose]()
  await broker[Symbol.asyncDispose]()
})

let shares: readonly string[] = []

test('a new store is initialised, and its shares come out in the words that scripts look for', async () => {
  expect(await shell.run('operator init -status')).toMatchObject({ code: 2, out: 'not initialised\n' })
  expect(await shell.run('operator init -key-shares=many')).toMatchObject({ code: 1, err: 'error: key-shares: expected a number\n' })
  const { code, out } = await shell.run('operator init -key-shares=3 -key-threshold=2')
  expect(code).toBe(0)
  shares = [...out.matchAll(/^Unseal Key \d: (\S+)$/gm)].map(([, share]) => share ?? '')
  expect(shares).toHaveLength(3)
  expect(out).toMatch(/^Initial Root Token: s\.[0-9A-Za-z]{26}$/m)
  expect(await shell.run('operator init -status')).toMatchObject({ code: 0, out: 'initialised\n' })
  expect(await shell.run('operator init')).toMatchObject({ code: 2, err: 'error: Vault is already initialized\n' })
})

test('shares are handed in one by one, until the server is unsealed', async () => {
  const first = await shell.run('operator unseal', { stdin: `${shares[0]}\n` })
  expect(first).toMatchObject({ code: 0, err: '' })
  expect(first.out).toMatch(/^Unseal Progress +1\/2$/m)
  expect((await shell.run('operator unseal -reset')).out).toMatch(/^Unseal Progress +0\/2$/m)
  await shell.run('operator unseal -', { stdin: shares[0] ?? '' })
  expect((await shell.run('status')).code).toBe(2)
  const keyboard = await shell.runAtKeyboard('operator unseal', [shares[1] ?? '', 'x', '\u007f', '\r'])
  expect(keyboard.code).toBe(0)
  expect(keyboard.out).toMatch(/^Sealed +false$/m)
  expect(keyboard.err).toBe('Unseal Key (not shown): \n')
  expect(keyboard.shown).toEqual([false, true])
  expect((await shell.run('status')).code).toBe(0)
})

test('a share on the command line works, and costs a warning', async () => {
  const { code, err } = await shell.run(['operator', 'unseal', shares[2] ?? ''])
  expect(code).toBe(0)
  expect(err).toMatch(/^warning: a share on the command line stays in the history/)
  expect(err).not.toContain(shares[2])
})

test('an interrupted question sends nothing and gives the echo back', async () => {
  const { code, err, shown } = await shell.runAtKeyboard('operator unseal', ['a', 'b', '\u0003'])
  expect({ code, err, shown }).toEqual({ code: 1, err: 'Unseal Key (not shown): \nerror: interrupted\n', shown: [false, true] })
})

test('a key file that cannot be taken is named with the reason, and init works once that is mended', async () => {
  await using sealed = await realBroker('key_file')
  const own = new Shell()
  own.env['MAYFLY_ADDR'] = sealed.address
  const file = join(sealed.folder, 'seal.key')
  writeFileSync(file, `${'5'.repeat(64)}\n`, { mode: 0o644 })
  const why = `the seal's key file ${file} is open to others (mode 644): chmod 600`
  expect(await own.run('operator init')).toMatchObject({ code: 2, err: `error: cannot be initialised: ${why}\n` })
  chmodSync(file, 0o600)
  expect(await own.run('operator init')).toMatchObject({ code: 0, err: '' })
  own[Symbol.dispose]()
})

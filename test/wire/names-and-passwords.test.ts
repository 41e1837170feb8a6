/** Password policies and templates of user names by unchanged clients, with a login at the end. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing, pythonMissing } from '../targets/missing.ts'
import { postgresMissing } from '../targets/postgres-binaries.ts'
import { creation, openStand, runBao, runPython } from './client-stand.ts'
import type { ClientStand, Login } from './client-stand.ts'

describe.skipIf(missing(postgresMissing() ?? pythonMissing()))('names and passwords', () => {
  let stand: ClientStand
  beforeAll(async () => {
    stand = await openStand()
  })
  afterAll(() => stand[Symbol.asyncDispose]())

  function bao(args: readonly string[], input?: string) {
    return runBao(stand.broker.address, stand.broker.root, stand.home, args, input)
  }

  test('are what hvac says, and odd passwords log in', async () => {
    const { broker, connection } = stand
    const ended = await runPython('hvac-names.py', { url: broker.address, token: broker.root, connection, creation })
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(await stand.mayLogIn(JSON.parse(ended.stdout) as Login)).toBe(true)
  })

  test('are what bao says', async () => {
    const policy = 'length = 40\nrule "charset" {\n  charset = "xyz0123456789"\n}\n'
    expect(await bao(['write', 'sys/policies/password/digits', 'policy=-'], policy)).toMatchObject({ code: 0, stderr: '' })
    expect((await bao(['read', '-field=policy', 'sys/policies/password/digits'])).stdout).toBe(policy)
    expect((await bao(['read', '-field=password', 'sys/policies/password/digits/generate'])).stdout).toMatch(/^[xyz0-9]{40}$/)
    expect(JSON.parse((await bao(['list', '-format=json', 'sys/policies/password'])).stdout)).toContain('digits')
    expect(await bao(['write', 'sys/policies/password/bad', 'policy=length = 1'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('invalid password policy: no rule')
    })
    expect((await bao(['delete', 'sys/policies/password/digits'])).code).toBe(0)
    expect(await bao(['read', 'sys/policies/password/digits'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('No value found')
    })
  })
})

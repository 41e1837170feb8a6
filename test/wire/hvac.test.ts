/** hvac for Python, unchanged. Its scripts assert for themselves; what was issued is tried here. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing, pythonMissing } from '../targets/missing.ts'
import { postgresMissing } from '../targets/postgres-binaries.ts'
import { creation, openStand, runPython } from './client-stand.ts'
import type { ClientStand, Login } from './client-stand.ts'
import { serveSealed } from './serve-in-memory.ts'

describe.skipIf(missing(postgresMissing() ?? pythonMissing()))('hvac', () => {
  let stand: ClientStand
  beforeAll(async () => {
    stand = await openStand()
  })
  afterAll(() => stand[Symbol.asyncDispose]())

  test('walks through sys, tokens, policies and a database as an application does', async () => {
    const { broker, connection } = stand
    const ended = await runPython('hvac-walk.py', { url: broker.address, token: broker.root, connection, creation })
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    const { kept, revoked } = JSON.parse(ended.stdout) as { readonly kept: Login; readonly revoked: readonly Login[] }
    expect(await stand.mayLogIn(kept)).toBe(true)
    expect(await Promise.all(revoked.map(login => stand.mayLogIn(login)))).toEqual([false, false, false, false])
  })

  test('initialises, unseals, sets up and seals as an operator does', async () => {
    await using sealed = await serveSealed({ audit_dir: stand.auditFolder })
    const ended = await runPython('hvac-operator.py', { url: sealed.address, audit: join(stand.auditFolder, 'hvac.jsonl') })
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '' })
  })
})

/** `mayfly database check`, with a real broker and a real PostgreSQL. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing } from '../targets/missing.ts'
import { postgresMissing } from '../targets/postgres-binaries.ts'
import { RunStage } from './run-stage.ts'

let stage: RunStage

describe.skipIf(missing(postgresMissing()))('mayfly database check', () => {
  beforeAll(async () => {
    stage = await RunStage.start()
    await stage.role('checked', { default_ttl: '10m', max_ttl: '1h' })
  })

  afterAll(() => stage[Symbol.asyncDispose]())

  test('shows each step with its time, the rights, and what would be wrong in production', async () => {
    const { code, out, err } = await check(['checked'])
    expect([code, err]).toEqual([0, ''])
    for (const step of ['connection', 'statements', 'server', 'password', 'name', 'create', 'rights', 'login', 'revoke', 'no login'])
      expect(out).toMatch(new RegExp(`^${step} +ok +\\d+\\.\\d ms`, 'm'))
    expect(out).toMatch(/^table public\.orders +SELECT$/m)
    expect(out).toContain('A credential is revoked at once, its sessions are ended, and it dies by itself.')
    expect(out).toContain('- sslmode=disable: no TLS')
    expect(out).toMatch(/The role checked works, mind the above\.\n$/)
    expect(await stage.users('checked')).toEqual([])
  })

  test('a rehearsal makes and ends nobody', async () => {
    const { code, out } = await check(['--rehearse', 'checked'])
    expect(code).toBe(0)
    expect(out).toMatch(/^rehearse +ok/m)
    expect(out).not.toMatch(/^(create|login|revoke) /m)
  })

  test('a role that does not work is exit code 2, and in JSON one value', async () => {
    await stage.api.must('POST', 'database/roles/broken', { db_name: 'app', member_of: 'nowhere' })
    const { code, out } = await check(['-format=json', 'broken'])
    expect(code).toBe(2)
    const report = JSON.parse(out)
    expect(report).toMatchObject({ role: 'broken', ok: false })
    expect(report.steps.find(({ ok }: { ok: boolean }) => !ok)).toMatchObject({
      step: 'create',
      told: 'the server refused: 42704 role "nowhere" does not exist'
    })
    expect((await check(['broken'])).out).toMatch(/^create +FAILED .*"nowhere" does not exist/m)
  })

  test('a role or a mount that is not there is told as everywhere', async () => {
    expect(await check(['nobody'])).toMatchObject({ code: 2, out: '', err: expect.stringContaining('unknown role: nobody') })
    expect(await check(['--mount', 'elsewhere', 'checked'])).toMatchObject({ out: '', err: expect.stringMatching(/^error: /) })
  })
})

async function check(words: readonly string[]) {
  const program = stage.mayfly(['database', 'check', ...words])
  const code = await program.ended
  return { code, out: program.out, err: program.err }
}

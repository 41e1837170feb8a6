/** Kills the broker while it rotates, at each named moment and between the words that go to PostgreSQL, and looks whether what is on record logs in. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openLines, verifyTrail } from '../../src/audit/verify.ts'
import { rotationPoints } from '../../src/broker/crash-point.ts'
import { missing } from '../targets/missing.ts'
import { postgresMissing } from '../targets/postgres-binaries.ts'
import { atFirstPass } from './moment.ts'
import { postgresRotation } from './postgres-rotation.ts'
import { changeMoments, Rotated, rotations } from './suites/rotation.ts'

const timeout = 240_000

describe.skipIf(missing(postgresMissing()))('a rotation that a crash interrupts', () => {
  let rotated: Rotated

  beforeAll(async () => {
    rotated = await Rotated.open(postgresRotation)
  }, timeout)
  afterAll(() => rotated[Symbol.asyncDispose]())

  const named = rotations.flatMap(({ name, path }) =>
    atFirstPass(rotationPoints).map(moment => [name, moment.point, moment, path] as const)
  )

  test.each(named)('%s, killed at %s', { timeout }, async (_, __, moment, path) => {
    expect(await rotated.die(moment, path)).toBe(true)
    expect(await rotated.broken()).toEqual([])
  })

  test.each(changeMoments(postgresRotation).map(moment => [moment.point, moment] as const))(
    'killed at %s',
    { timeout },
    async (_, moment) => {
      expect(await rotated.die(moment)).toBe(true)
      expect(await rotated.broken()).toEqual([])
    }
  )

  test('a connection that breaks at the change is tried again, and its caller told the truth', { timeout }, async () => {
    const { stand, proxy } = rotated
    await using broker = await stand.started()
    for (const { name, path } of rotations) {
      proxy.fault = { kind: 'cut', pattern: postgresRotation.changes[name], when: 'after' }
      const broken = await stand.api.ask('POST', path)
      expect(broken).toMatchObject({ status: 500, body: { errors: [expect.stringContaining('background')] } })
      expect(await stand.api.ask('POST', path)).toMatchObject({ status: 204 })
    }
    await broker.stop()
    expect(await rotated.broken()).toEqual([])
  })

  test('every password that came is in the trail as a rotation, and none as itself', { timeout }, async () => {
    const { stand } = rotated
    await using broker = await stand.started()
    const { data } = await stand.api.must('GET', 'database/static-creds/fixed')
    const { data: key } = await stand.api.must('GET', 'sys/audit/checkpoint-key')
    await broker.stop()
    // One that a crash interrupted and the next request finished counts once for both.
    let times = 0
    for await (const line of openLines(stand.at('audit.jsonl'))) {
      for (const password of [data.password, ...rotated.passwords]) expect(line).not.toContain(password)
      if (line.includes('"key":"fixed"') && line.includes('"did":"rotated"')) times += 1
    }
    expect(rotated.passwords.size).toBeGreaterThan(rotationPoints.length)
    expect(times).toBeGreaterThanOrEqual(rotated.passwords.size)
    expect(await verifyTrail(openLines(stand.at('audit.jsonl')), { publicKey: String(key.public_key) })).toMatchObject({ ok: true })
  })
})

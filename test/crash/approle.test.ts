/** A login dies: what it consumed and what it gave are one commit, so each secret id was used and gave its token, or neither. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loginPoints } from '../../src/broker/crash-point.ts'
import { runSuite } from './suite.ts'
import { LoggedIn, logins } from './suites/logins.ts'

// Each test starts a broker several times, and others may be at work on the machine.
const timeout = 240_000

let stage: LoggedIn

beforeEach(async () => {
  stage = await LoggedIn.open()
}, timeout)
afterEach(() => stage[Symbol.asyncDispose]())

test.each(loginPoints)('killed at %s a secret id of one use is there without a token, or gone with one', { timeout }, async point => {
  let secret: string
  {
    await using armed = await stage.stand.started(point)
    secret = await stage.secret()
    expect(await stage.login(secret)).toBeUndefined()
    await armed.ended
    expect(armed.killed).toBe(true)
  }
  await using broker = await stage.stand.started()
  const left = await stage.secretIdsLeft()
  expect({ left, tokens: (await stage.tokens()).length }).toEqual(
    point === 'login:before-commit' ? { left: 1, tokens: 0 } : { left: 0, tokens: 1 }
  )
  expect((await stage.login(secret)) === undefined).toBe(left === 0)
  await broker.stop()
})

test(
  'killed among many logins at once, no secret id gives two tokens, none is lost, and what was answered lives',
  { timeout },
  async () => {
    const report = await runSuite(logins, { each: 3, random: 2 })
    expect(report).toMatchObject({ unreached: [], broken: [] })
    expect(report.answered).toBeGreaterThan(3)
  }
)

test(
  'a method that was being disabled when the broker died is gone after the next start, and its tokens are from the first commit on',
  { timeout },
  async () => {
    const { api } = stage.stand
    const tokens: (string | undefined)[] = []
    {
      await using armed = await stage.stand.started('cascade:after-each-batch')
      for (let n = 0; n < 3; n++) tokens.push(await stage.login(await stage.secret()))
      await api.ask('DELETE', 'sys/auth/approle').catch(() => undefined)
      await armed.ended
      expect(armed.killed).toBe(true)
    }
    await using broker = await stage.stand.started()
    for (const token of tokens) expect(await stage.lives(token)).toBe(false)
    await expect.poll(async () => (await api.ask('GET', 'sys/auth/approle')).status, { timeout: 25_000, interval: 200 }).toBe(400)
    expect(await stage.tokens()).toEqual([])
    await broker.stop()
  }
)

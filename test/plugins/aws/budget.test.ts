/** The calls of an account: how many a second, and whose turn it is. */
import { setTimeout as wait } from 'node:timers/promises'
import { GetUserCommand } from '@aws-sdk/client-iam'
import { expect, test } from 'vitest'
import { Account } from '../../../plugins/aws/account/account.ts'
import { CallBudget } from '../../../plugins/aws/account/call-budget.ts'
import type { Lane } from '../../../plugins/aws/account/call-budget.ts'
import { placeOf } from '../../../plugins/aws/account/place.ts'
import { Secret } from '../../../src/contracts/index.ts'
import { systemRandom } from '../../../src/system-clock.ts'
import { TestClock } from '../../sim/test-clock.ts'
import { MotoFront, notFound, throttled } from '../../targets/moto-front.ts'

const never = new AbortController().signal

/** Takes all that is there, so that who comes next has to wait. */
async function emptied(
  perSecond = 10
): Promise<{ budget: CallBudget; clock: TestClock; went: string[]; wait: (lane: Lane, name?: string) => void }> {
  const clock = new TestClock()
  const budget = new CallBudget(clock, 1_000, perSecond)
  for (let calls = 0; calls < perSecond * 2; calls++) await budget.take('issue', never)
  const went: string[] = []
  const wait = (lane: Lane, name: string = lane) => void budget.take(lane, never).then(() => went.push(name))
  return { budget, clock, went, wait }
}

test('a burst goes at once, and then so many a second', async () => {
  const { clock, went, wait } = await emptied(10)
  for (let calls = 0; calls < 30; calls++) wait('issue')
  await clock.advance('PT1S')
  expect(went.length).toBeGreaterThanOrEqual(9)
  expect(went.length).toBeLessThanOrEqual(11)
  await clock.advance('PT1S')
  expect(went.length).toBeLessThanOrEqual(21)
})

test('revoking goes first, and one call in five is for issuing', async () => {
  const { clock, went, wait } = await emptied(10)
  for (let calls = 0; calls < 20; calls++) wait('issue')
  for (let calls = 0; calls < 20; calls++) wait('revoke')
  await clock.advance('PT2S')
  const first = went.slice(0, 20)
  expect(first.filter(lane => lane === 'issue').length).toBeGreaterThanOrEqual(3)
  expect(first.filter(lane => lane === 'issue').length).toBeLessThanOrEqual(5)
})

test('who leaves makes place, and takes nothing', async () => {
  const { budget, clock, went, wait } = await emptied(1)
  const leaving = new AbortController()
  const left = budget.take('revoke', leaving.signal)
  wait('issue', 'next')
  leaving.abort(new Error('gone'))
  await expect(left).rejects.toThrow('gone')
  await clock.advance('PT1.1S')
  expect(went).toEqual(['next'])
  await expect(budget.take('issue', AbortSignal.abort())).rejects.toThrow()
})

test('one refusal in many changes nothing, many lower the rate, and answers raise it again', async () => {
  const clock = new TestClock()
  const budget = new CallBudget(clock, 25)
  expect(budget.perSecond).toBe(10)
  const told = async (passed: number, refused: number) => {
    for (let calls = 0; calls < passed; calls++) budget.passed()
    await clock.advance('PT1S')
    for (let calls = 0; calls < refused; calls++) budget.refused()
    budget.passed()
  }
  await told(30, 1)
  expect(budget.perSecond).toBeGreaterThanOrEqual(10)
  const before = budget.perSecond
  await told(5, 10)
  expect(budget.perSecond).toBeCloseTo(before * 0.8)
  for (let turns = 0; turns < 40; turns++) await told(20, 0)
  expect(budget.perSecond).toBe(25)
  for (let turns = 0; turns < 20; turns++) await told(0, 20)
  expect(budget.perSecond).toBe(1)
})

test('who calls little is not slowed down by two refusals that come together', async () => {
  const clock = new TestClock()
  const budget = new CallBudget(clock, 25)
  const told = async (refused: number) => {
    await clock.advance('PT1S')
    for (let calls = 0; calls < refused; calls++) budget.refused()
    for (let calls = 0; calls < 10 - refused; calls++) budget.passed()
  }
  await told(2)
  // They are not forgotten: two more of twelve are too many.
  expect(budget.perSecond).toBe(10)
  await told(2)
  expect(budget.perSecond).toBe(8)
})

test('what AWS answers with an error was let through all the same: of users that are gone every answer is one', async () => {
  const clock = new TestClock()
  const budgets = { iam: new CallBudget(clock, 100, 100), sts: new CallBudget(clock, 100, 100) }
  await using front = await MotoFront.start('http://127.0.0.1:1')
  front.rule = ({ count }) => (count % 12 === 0 ? throttled : notFound)
  const place = placeOf({ region: '', iamEndpoint: front.endpoint, stsEndpoint: front.endpoint }, rules(front.endpoint))
  const keys = new Secret({ accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'of-nobody-at-all' })
  using account = new Account(place, keys, { clock, random: systemRandom, budgets })
  const waiting = { over: false }
  const asking = async () => {
    for (let asked = 0; asked < 150; asked++)
      await expect(
        account.iam((iam, at) => iam.send(new GetUserCommand({ UserName: 'gone' }), at), { lane: 'revoke' }, never)
      ).rejects.toMatchObject({ code: 'target_refused' })
  }
  const done = asking().finally(() => (waiting.over = true))
  while (!waiting.over) {
    await clock.advance(100)
    await wait(1)
  }
  await done
  expect(budgets.iam.perSecond).toBe(100)
})

const rules = (endpoint: string) => ({ targetEndpoints: [endpoint], targetTls: 'any' as const })

test('users are made while many end, and who cannot be served soon is told so before anything is promised', async () => {
  const { budget, clock } = await emptied(10)
  const [made, told] = [[] as number[], [] as unknown[]]
  const ending = async () => {
    while (clock.elapsed() < endMs) await budget.take('revoke', never, 4)
  }
  // Each asks again whatever it was told, as clients do.
  const making = async () => {
    while (clock.elapsed() < endMs)
      try {
        await budget.begin(4, never)
        const begun = clock.elapsed()
        // One of the four was refused, and is made again.
        await budget.take('finish', never)
        made.push(clock.elapsed() - begun)
      } catch (error) {
        told.push(error)
        await clock.sleep(1_000)
      }
  }
  const endMs = clock.elapsed() + 120_000
  for (let users = 0; users < 16; users++) void ending()
  for (let clients = 0; clients < 16; clients++) void making()
  for (let turns = 0; turns < 1_200; turns++) await clock.advance(100)
  // Two calls in ten: with four and one for each, one user in two seconds and a half.
  expect(made.length).toBeGreaterThan(40)
  expect(Math.max(...made)).toBeLessThan(2_000)
  expect(told.length).toBeGreaterThan(0)
  for (const error of told) expect(error).toMatchObject({ code: 'target_rate_limited', retryAfter: expect.any(Number) })
})

test('at the slowest rate one that is next is let go, whoever ends', async () => {
  const { budget, clock } = await emptied(1)
  const endMs = clock.elapsed() + 120_000
  const ending = async () => {
    while (clock.elapsed() < endMs) await budget.take('revoke', never, 4)
  }
  for (let users = 0; users < 8; users++) void ending()
  let begun = 0
  const making = async () => {
    while (clock.elapsed() < endMs)
      await budget.begin(4, never).then(
        () => begun++,
        () => undefined
      )
  }
  void making()
  for (let turns = 0; turns < 1_200; turns++) await clock.advance(100)
  expect(begun).toBeGreaterThan(2)
})

test('calls that were not made are there for others', async () => {
  const { budget, clock, went, wait } = await emptied(2)
  await clock.advance('PT1S')
  const calls = { left: 5 }
  await budget.take('revoke', never, 5)
  calls.left = 4
  wait('issue')
  await clock.advance('PT0.6S')
  expect(went).toEqual([])
  budget.giveBack(calls)
  expect(calls.left).toBe(0)
  // At once: whoever waits was told to wait for calls that nobody makes.
  await clock.advance(0)
  expect(went).toEqual(['issue'])
})

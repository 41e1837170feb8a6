/** The calls of an account: how many a second, and whose turn it is. */
import { expect, test } from 'vitest'
import { CallBudget } from '../../plugins/aws/call-budget.ts'
import type { Lane } from '../../plugins/aws/call-budget.ts'
import { TestClock } from '../sim/test-clock.ts'

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

test('one refusal in many changes nothing, many halve the rate, and answers raise it again', async () => {
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
  expect(budget.perSecond).toBe(before / 2)
  for (let turns = 0; turns < 40; turns++) await told(20, 0)
  expect(budget.perSecond).toBe(25)
  for (let turns = 0; turns < 20; turns++) await told(0, 20)
  expect(budget.perSecond).toBe(1)
})

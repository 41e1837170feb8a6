import { assert, integer, option, property, record, uniqueArray } from 'fast-check'
import { expect, test } from 'vitest'
import { cronNext, readCron } from '../../../plugins/database/static/cron.ts'

const next = (schedule: string, after: string): string => cronNext(readCron(schedule), Temporal.Instant.from(after)).toString()

test.each([
  ['* * * * *', '2026-11-25T12:00:00Z', '2026-11-25T12:01:00Z'],
  ['0 3 * * *', '2026-11-25T02:59:59.999Z', '2026-11-25T03:00:00Z'],
  ['0 3 * * *', '2026-11-25T03:00:00Z', '2026-11-26T03:00:00Z'],
  ['*/15 8-17 * * mon-fri', '2026-11-27T17:45:00Z', '2026-11-30T08:00:00Z'],
  ['30 4 1,15 * 5', '2026-11-25T00:00:00Z', '2026-11-27T04:30:00Z'],
  ['0 0 29 feb *', '2096-03-01T00:00:00Z', '2104-02-29T00:00:00Z'],
  ['0 0 * * 7', '2026-11-25T00:00:00Z', '2026-11-29T00:00:00Z'],
  ['5/20 0 * * *', '2026-11-25T00:06:00Z', '2026-11-25T00:25:00Z'],
  ['0 0 */2 * mon', '2026-11-25T00:00:00Z', '2026-11-27T00:00:00Z'],
  ['0 0 */1 * mon', '2026-11-25T00:00:00Z', '2026-11-30T00:00:00Z'],
  ['0 0 ? * SUN', '2026-11-25T00:00:00Z', '2026-11-29T00:00:00Z'],
  ['@monthly', '2026-11-25T00:00:00Z', '2026-12-01T00:00:00Z']
])('%s after %s is %s', (schedule, after, then) => {
  expect(next(schedule, after)).toBe(then)
})

test.each([
  '',
  '* * * *',
  '* * * * * *',
  '60 * * * *',
  '* 24 * * *',
  '* * 0 * *',
  '* * 32 * *',
  '* * * 13 *',
  '* * * * 8',
  '* * * foo *',
  '5-1 * * * *',
  '*/0 * * * *',
  '1,,2 * * * *',
  '-1 * * * *',
  '1-2-3 * * * *',
  '0 0 30 2 *',
  '0 0 31 4,6,9,11 *',
  '@every 5m',
  'constructor',
  '__proto__',
  `${'1,'.repeat(200)}1 * * * *`
])('%j is refused by name', schedule => {
  expect(() => readCron(schedule)).toThrow('rotation_schedule: ')
})

const some = (min: number, max: number) => uniqueArray(integer({ min, max }), { minLength: 1, maxLength: 4 })

test('a schedule comes at the first minute that fits, and at none before', () => {
  const written = record({ minutes: some(0, 59), hours: some(0, 23), days: option(some(1, 28)), weekdays: option(some(0, 6)) })
  const moment = integer({ min: 1_790_000_000, max: 1_890_000_000 })
  assert(
    property(written, moment, ({ minutes, hours, days, weekdays }, seconds) => {
      const schedule = `${minutes.join()} ${hours.join()} ${days?.join() ?? '*'} * ${weekdays?.join() ?? '*'}`
      const after = Temporal.Instant.fromEpochMilliseconds(seconds * 1_000)
      let at = new Date((Math.floor(seconds / 60) + 1) * 60_000)
      for (; ; at = new Date(at.getTime() + 60_000)) {
        const [day, weekday] = [days?.includes(at.getUTCDate()), weekdays?.includes(at.getUTCDay())]
        const isDay = days && weekdays ? day || weekday : (day ?? weekday ?? true)
        if (isDay && hours.includes(at.getUTCHours()) && minutes.includes(at.getUTCMinutes())) break
      }
      expect(cronNext(readCron(schedule), after).epochMilliseconds).toBe(at.getTime())
    }),
    { numRuns: 200 }
  )
})

/** Schedules as cron writes them, in UTC: minute, hour, day of the month, month, day of the week; each `*`, a value, a range, a list, a step (`1-5`, `0,30`, `*` with
 *  `/15`), months and days also by name. Where both days are restricted, be it by a step alone, either counts, as in the schedules of the wire. Pure. */
import { BrokerError } from 'mayfly/plugin'

export interface Cron {
  readonly minutes: ReadonlySet<number>
  readonly hours: ReadonlySet<number>
  readonly days: ReadonlySet<number>
  readonly months: ReadonlySet<number>
  readonly weekdays: ReadonlySet<number>
  readonly anyDay: boolean
  readonly anyWeekday: boolean
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const textCharsMax = 200

// The 29th of February comes after eight years at most (1896 to 1904, 2096 to 2104).
const daysMax = 8 * 366

const short: ReadonlyMap<string, string> = new Map([
  ['@hourly', '0 * * * *'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@weekly', '0 0 * * 0'],
  ['@monthly', '0 0 1 * *'],
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *']
])

/** Throws `invalid_request` that names what was expected, and for a schedule that never comes. */
export function readCron(text: string): Cron {
  const fields = (short.get(text.trim().toLowerCase()) ?? text).trim().split(/\s+/)
  if (text.length > textCharsMax || fields.length !== 5)
    throw refusal('expected five fields: minute, hour, day of the month, month, day of the week')
  const [minute, hour, day, month, weekday] = fields as [string, string, string, string, string]
  const cron: Cron = {
    minutes: readField('minute', minute, 0, 59),
    hours: readField('hour', hour, 0, 23),
    days: readField('day of the month', day, 1, 31),
    months: readField('month', month, 1, 12, months),
    weekdays: new Set([...readField('day of the week', weekday, 0, 7, weekdays)].map(one => one % 7)),
    anyDay: isAny(day),
    anyWeekday: isAny(weekday)
  }
  if (!nextMoment(cron, Temporal.Instant.fromEpochMilliseconds(0))) throw refusal('no such day ever comes')
  return cron
}

/** The first moment of the schedule after `after`. */
export function cronNext(cron: Cron, after: Temporal.Instant): Temporal.Instant {
  const next = nextMoment(cron, after)
  if (!next) throw new Error('a schedule that never comes was not refused')
  return next
}

function nextMoment(cron: Cron, after: Temporal.Instant): Temporal.Instant | undefined {
  const first = after
    .toZonedDateTimeISO('UTC')
    .round({ smallestUnit: 'minute', roundingMode: 'floor' })
    .add({ minutes: 1 })
    .toPlainDateTime()
  for (let added = 0; added <= daysMax; added++) {
    const date = first.toPlainDate().add({ days: added })
    if (!isDay(cron, date)) continue
    const from = added === 0 ? first.hour * 60 + first.minute : 0
    const minute = firstMinute(cron, from)
    if (minute === undefined) continue
    const time = new Temporal.PlainTime(Math.floor(minute / 60), minute % 60)
    return date.toZonedDateTime({ timeZone: 'UTC', plainTime: time }).toInstant()
  }
  return undefined
}

function isDay({ days, months, weekdays, anyDay, anyWeekday }: Cron, date: Temporal.PlainDate): boolean {
  if (!months.has(date.month)) return false
  const [day, weekday] = [days.has(date.day), weekdays.has(date.dayOfWeek % 7)]
  return anyDay || anyWeekday ? day && weekday : day || weekday
}

/** Of a day, from its minute `from` on. */
function firstMinute({ minutes, hours }: Cron, from: number): number | undefined {
  for (let minute = from; minute < 24 * 60; minute++) if (hours.has(Math.floor(minute / 60)) && minutes.has(minute % 60)) return minute
  return undefined
}

const isAny = (field: string): boolean => field.split(',').some(part => /^[*?](?:\/0*1)?$/.test(part))

function readField(name: string, text: string, least: number, most: number, names: readonly string[] = []): ReadonlySet<number> {
  const values = new Set<number>()
  for (const part of text.split(',')) {
    const found = /^(?:([*?])|([A-Za-z0-9]+)(?:-([A-Za-z0-9]+))?)(?:\/([0-9]{1,4}))?$/.exec(part)
    if (!found) throw refusal(`${name}: expected a value, a range, a list or *, with or without a step`)
    const [, any, first, last, step] = found
    const from = any ? least : readValue(name, first!, least, most, names)
    // `5/15` is from 5 on, as most of them read it.
    const to = any ? most : last ? readValue(name, last, least, most, names) : step ? most : from
    const by = step === undefined ? 1 : Number(step)
    if (by === 0 || to < from) throw refusal(`${name}: the range or its step is empty`)
    for (let value = from; value <= to; value += by) values.add(value)
  }
  return values
}

function readValue(name: string, text: string, least: number, most: number, names: readonly string[]): number {
  const named = names.indexOf(text.toLowerCase())
  const value = named >= 0 ? named + (least === 1 ? 1 : 0) : /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= least && value <= most)) throw refusal(`${name}: expected ${least} to ${most}`)
  return value
}

const refusal = (why: string) => new BrokerError('invalid_request', `rotation_schedule: ${why}`)

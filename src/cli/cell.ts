import { goDuration } from '../contracts/index.ts'
import type { Json, JsonObject } from '../contracts/index.ts'
import { timeLeft } from './time-left.ts'

// What a date can be.
const instantMsMax = 8.64e15

/** A value of a reply for people: durations in units, times with how far they are, lists and maps in one line. */
export function cell(key: string, value: Json, beside: JsonObject): string {
  if (typeof value === 'number' && isDuration(key)) return duration(key, value, beside)
  if (typeof value === 'string' && key === 'expire_time' && typeof beside['ttl'] === 'number')
    return `${value} (${timeLeft(beside['ttl'])})`
  if (typeof value === 'number' && key === 'creation_time') return instant(value)
  return plain(value)
}

/** Of seconds since 1970. */
function instant(seconds: number): string {
  const milliseconds = seconds * 1_000
  return Number.isInteger(seconds) && Math.abs(milliseconds) <= instantMsMax
    ? Temporal.Instant.fromEpochMilliseconds(milliseconds).toString()
    : String(seconds)
}

export function plain(value: Json | undefined): string {
  if (value === undefined || value === null || value === '') return '-'
  if (typeof value !== 'object') return String(value)
  const entries = Array.isArray(value)
    ? value.map(one => shallow(one as Json))
    : Object.entries(value).map(([key, one]) => `${key}=${shallow(one)}`)
  return entries.join(', ') || '-'
}

function shallow(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function isDuration(key: string): boolean {
  return key === 'ttl' || key === 'period' || /_(ttl|duration|period)$/.test(key)
}

function duration(key: string, seconds: number, beside: JsonObject): string {
  if (seconds === 0 && (key === 'token_duration' || (key === 'ttl' && beside['expire_time'] === null))) return 'no end'
  return Number.isSafeInteger(seconds) && seconds >= 0 ? goDuration(seconds) : timeLeft(seconds)
}

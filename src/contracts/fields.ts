import { z } from 'zod'
import { BrokerError } from './errors.ts'

/** Longest duration on the wire: 2^31 - 1 seconds, 68 years. Above it milliseconds and 32-bit clients begin to disagree. */
const durationSecondsMax = 2_147_483_647

const goUnits: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** Seconds of a duration as the wire writes it: an integer of seconds, `"3600"`, a Go duration `"1h30m"`, days `"2d"`. `""` is unset and gives `undefined`.
 *  Throws on anything else, negative ones included. */
export function parseDuration(value: number | string): number | undefined {
  if (value === '') return undefined
  const milliseconds = typeof value === 'number' ? value * 1_000 : durationMilliseconds(value)
  if (!Number.isSafeInteger(milliseconds) || milliseconds < 0 || (typeof value === 'number' && !Number.isInteger(value)))
    throw new BrokerError('invalid_request', 'not a duration: expected seconds, or text such as "1h30m", "90s", "2d"')
  const seconds = Math.floor(milliseconds / 1_000)
  if (seconds > durationSecondsMax) throw new BrokerError('invalid_request', `duration too long: at most ${durationSecondsMax} seconds`)
  return seconds
}

function durationMilliseconds(text: string): number {
  if (/^\d{1,12}$/.test(text)) return Number(text) * 1_000
  const days = /^(\d{1,6})d$/.exec(text)
  if (days) return Number(days[1]) * 86_400_000
  if (!/^(\d{1,12}(\.\d{1,9})?(ns|us|µs|ms|s|m|h))+$/.test(text)) return Number.NaN
  let total = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g))
    total += Number(amount) * (goUnits[unit!] ?? Number.NaN)
  return Math.round(total)
}

/** `3661` as Go writes it, without trailing zero units: `1h1m1s`, `2h`, `1m40s`. */
export function goDuration(seconds: number): string {
  const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60), seconds % 60]
  return `${h ? `${h}h` : ''}${m ? `${m}m` : ''}${s ? `${s}s` : ''}` || '0s'
}

const absent = (value: unknown): unknown => (value === null || value === '' ? undefined : value)

/** The field types of the wire, with its documented coercions and no others (every scalar also as a string, a list also as a comma string where declared so).
 *  `null` is "not given". Each is optional; a handler that needs one says so itself, in the wire's words. */
export const field = {
  text: () =>
    z.preprocess(
      v => (v === null ? undefined : typeof v === 'number' || typeof v === 'boolean' ? String(v) : v),
      z.string('expected text').optional()
    ),
  boolean: () =>
    z.preprocess(
      v =>
        v === null
          ? undefined
          : v === '' || v === 0 || v === '0' || v === 'false' || v === 'f' || v === 'F' || v === 'False' || v === 'FALSE'
            ? false
            : v === 1 || v === '1' || v === 'true' || v === 't' || v === 'T' || v === 'True' || v === 'TRUE'
              ? true
              : v,
      z.boolean('expected true or false').optional()
    ),
  integer: () =>
    z.preprocess(
      v => (typeof v === 'string' && /^-?\d{1,15}$/.test(v.trim()) ? Number(v) : absent(v)),
      z.int('expected an integer').optional()
    ),
  /** Whole seconds. */
  duration: () =>
    z
      .union([z.number(), z.string(), z.null(), z.undefined()], 'expected a duration')
      .transform((v, context) => {
        if (v === null || v === undefined) return undefined
        try {
          return parseDuration(v)
        } catch (error) {
          context.addIssue(error instanceof BrokerError ? error.message : 'not a duration')
          return z.NEVER
        }
      })
      .optional(),
  /** An array of strings, or one comma-separated string. */
  commaList: () =>
    z.preprocess(
      v =>
        typeof v === 'string'
          ? v
              .split(',')
              .map(s => s.trim())
              .filter(Boolean)
          : v === null
            ? undefined
            : v,
      z.array(scalarText(), 'expected a list of text').optional()
    ),
  /** An array of strings, or one string, which is one element, commas included. */
  list: () =>
    z.preprocess(
      v => (typeof v === 'string' ? (v === '' ? [] : [v]) : v === null ? undefined : v),
      z.array(scalarText(), 'expected a list of text').optional()
    ),
  /** A map of strings: an object, an object as JSON text, or `"k=v"` and a list of them. */
  map: () => z.preprocess(toMap, z.record(z.string(), scalarText(), 'expected a map of text').optional()),
  json: () => z.json().optional()
}

function scalarText() {
  return z.preprocess(v => (typeof v === 'number' || typeof v === 'boolean' ? String(v) : v), z.string('expected text'))
}

function toMap(value: unknown): unknown {
  if (value === null || value === '') return undefined
  if (typeof value === 'string' && value.trimStart().startsWith('{')) {
    try {
      return JSON.parse(value)
    } catch {
      return value
    }
  }
  const pairs = typeof value === 'string' ? [value] : Array.isArray(value) ? value : undefined
  if (!pairs) return value
  const entries = pairs.map(pair => (typeof pair === 'string' ? /^([^=]+)=(.*)$/s.exec(pair) : null))
  if (entries.some(entry => !entry)) return value
  return Object.fromEntries(entries.map(entry => [entry![1]!, entry![2]!]))
}

/** What `schema` makes of `data`, which fields were sent, and which it does not know. Throws `Field validation failed: …`, naming field and expectation,
 *  never repeating a value. */
export function parseFields<Shape extends z.ZodRawShape>(schema: z.ZodObject<Shape>, data: Readonly<Record<string, unknown>>) {
  const parsed = schema.safeParse(data)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new BrokerError('invalid_request', `Field validation failed: ${issue?.path.join('.') || 'body'}: ${issue?.message ?? 'invalid'}`)
  }
  const names = Object.keys(data)
  return {
    fields: parsed.data,
    given: new Set(names.filter(name => Object.hasOwn(schema.shape, name) && data[name] !== null)),
    unknown: names.filter(name => !Object.hasOwn(schema.shape, name)).toSorted()
  }
}

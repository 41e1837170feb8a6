/** Go's layouts, which write a time as the moment 2006-01-02 15:04:05 would be written. Always UTC. */

const months = 'January February March April May June July August September October November December'.split(' ')
const days = 'Monday Tuesday Wednesday Thursday Friday Saturday Sunday'.split(' ')
const two = (number: number): string => String(number).padStart(2, '0')
const hour12 = ({ hour }: Temporal.ZonedDateTime): number => hour % 12 || 12

type Piece = (time: Temporal.ZonedDateTime) => string

// The longer of two that begin alike stands first, as in Go.
const pieces: readonly (readonly [string, Piece])[] = [
  ['January', time => months[time.month - 1]!],
  ['Jan', time => months[time.month - 1]!.slice(0, 3)],
  ['Monday', time => days[time.dayOfWeek - 1]!],
  ['Mon', time => days[time.dayOfWeek - 1]!.slice(0, 3)],
  ['MST', () => 'UTC'],
  ['2006', time => String(time.year).padStart(4, '0')],
  ['002', time => String(time.dayOfYear).padStart(3, '0')],
  ['__2', time => String(time.dayOfYear).padStart(3, ' ')],
  ['_2006', time => `_${String(time.year).padStart(4, '0')}`],
  ['_2', time => String(time.day).padStart(2, ' ')],
  ['-07:00:00', () => '+00:00:00'],
  ['-07:00', () => '+00:00'],
  ['-070000', () => '+000000'],
  ['-0700', () => '+0000'],
  ['-07', () => '+00'],
  ['Z07:00:00', () => 'Z'],
  ['Z07:00', () => 'Z'],
  ['Z070000', () => 'Z'],
  ['Z0700', () => 'Z'],
  ['Z07', () => 'Z'],
  ['01', time => two(time.month)],
  ['02', time => two(time.day)],
  ['03', time => two(hour12(time))],
  ['04', time => two(time.minute)],
  ['05', time => two(time.second)],
  ['06', time => two(time.year % 100)],
  ['15', time => two(time.hour)],
  ['PM', time => (time.hour < 12 ? 'AM' : 'PM')],
  ['pm', time => (time.hour < 12 ? 'am' : 'pm')],
  ['1', time => String(time.month)],
  ['2', time => String(time.day)],
  ['3', time => String(hour12(time))],
  ['4', time => String(time.minute)],
  ['5', time => String(time.second)]
]

export function goTime(instant: Temporal.Instant, layout: string): string {
  const time = instant.toZonedDateTimeISO('UTC')
  let written = ''
  for (let at = 0; at < layout.length;) {
    const fraction = /^[.,](0+|9+)(?!\d)/.exec(layout.slice(at))
    const piece = fraction ? undefined : pieces.find(([pattern]) => layout.startsWith(pattern, at) && !isWithinWord(pattern, layout, at))
    written += fraction ? fractionOf(time, fraction[0]) : piece ? piece[1](time) : layout.charAt(at)
    at += fraction?.[0].length ?? piece?.[0].length ?? 1
  }
  return written
}

/** `Janet` and `Monk` are words; `Jan` and `Mon` before another lower-case letter are no layout, as in Go. */
function isWithinWord(pattern: string, layout: string, at: number): boolean {
  return (pattern === 'Jan' || pattern === 'Mon') && /^[a-z]/.test(layout.slice(at + 3))
}

function fractionOf(time: Temporal.ZonedDateTime, pattern: string): string {
  const nanoseconds = [time.millisecond, time.microsecond, time.nanosecond].map(part => String(part).padStart(3, '0')).join('')
  const digits = nanoseconds.slice(0, pattern.length - 1).padEnd(pattern.length - 1, '0')
  if (pattern.charAt(1) === '0') return pattern.charAt(0) + digits
  const short = digits.replace(/0+$/, '')
  return short === '' ? '' : pattern.charAt(0) + short
}

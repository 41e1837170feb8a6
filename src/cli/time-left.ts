const units = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1]
] as const

/** Seconds from now in words, for people; JSON has the exact time: `in 59m`, `in 1h 5m`, `now`, `12s ago`. */
export function timeLeft(seconds: number): string {
  if (!Number.isFinite(seconds) || Math.trunc(seconds) === 0) return 'now'
  const words = span(Math.abs(Math.trunc(seconds)))
  return seconds < 0 ? `${words} ago` : `in ${words}`
}

/** The two largest units; seconds never beside minutes, which nobody can read off a list in time. */
function span(seconds: number): string {
  const first = units.findIndex(([, size]) => seconds >= size)
  let rest = seconds
  const words = units.slice(first, first === 2 ? 3 : first + 2).map(([unit, size]) => {
    const count = Math.floor(rest / size)
    rest -= count * size
    return count === 0 ? '' : `${count}${unit}`
  })
  return words.filter(Boolean).join(' ')
}

/** A path of a rule with `*` at its end or with `+` as a whole segment; `*` and `+` anywhere else are plain characters. */
export interface Wildcard {
  /** What stands before the first `+` or `*`. */
  readonly head: string
  /** The segments after the head; `+` matches any one of them. Absent when nothing but `*` follows: the head is all there is to match. */
  readonly tail: readonly string[] | undefined
  readonly endsOpen: boolean
  readonly plusCount: number
  /** Without the `*`. */
  readonly body: string
}

export function toWildcard(path: string): Wildcard | undefined {
  const endsOpen = path.endsWith('*')
  const body = endsOpen ? path.slice(0, -1) : path
  const segments = body.split('/')
  const first = segments.indexOf('+')
  if (first === -1) return endsOpen ? { head: body, tail: undefined, endsOpen, plusCount: 0, body } : undefined
  const head = segments.slice(0, first).map(segment => `${segment}/`)
  const plusCount = segments.filter(segment => segment === '+').length
  return { head: head.join(''), tail: segments.slice(first), endsOpen, plusCount, body }
}

/** Negative when `a` ranks lower, by the first that differs: its first wildcard stands earlier, it ends in `*`, it has more `+`, it is shorter, it sorts first. */
export function compareWildcards(a: Wildcard, b: Wildcard): number {
  if (a.head.length !== b.head.length) return a.head.length - b.head.length
  if (a.endsOpen !== b.endsOpen) return a.endsOpen ? -1 : 1
  if (a.plusCount !== b.plusCount) return b.plusCount - a.plusCount
  if (a.body.length !== b.body.length) return a.body.length - b.body.length
  return a.body < b.body ? -1 : Number(a.body > b.body)
}

/** Whether the rule covers a path that begins with its head. */
export function matchesAfterHead(wildcard: Wildcard, path: string): boolean {
  const { head, tail, endsOpen } = wildcard
  if (tail === undefined) return true
  const segments = path.slice(head.length).split('/')
  if (endsOpen ? segments.length < tail.length : segments.length !== tail.length) return false
  const last = tail.length - 1
  return tail.every(
    (wanted, at) => wanted === '+' || wanted === segments[at] || (endsOpen && at === last && segments[at]!.startsWith(wanted))
  )
}

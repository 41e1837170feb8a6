/** The policy that cuts sessions of a role before they end by themselves. Pure.
 *
 *  AWS looks at the policies of a role whenever one of its sessions asks for something, so a deny on the role reaches sessions that are out already. One statement names
 *  sessions by the end of their names (`aws:userid` is `<role id>:<session name>`), the other cuts every session that was issued before a moment. */

/** A session to be cut, until it ends by itself. */
export interface Cut {
  /** The end of its name; nobody else's name ends so. */
  readonly part: string
  readonly until: Temporal.Instant
  /** Instead of its name: all sessions of the role that were issued before. */
  readonly before?: Temporal.Instant
}

export interface CutPolicy {
  /** `undefined`: nothing is left to cut. */
  readonly document: string | undefined
  readonly cut: readonly Cut[]
  /** For which there was no room. */
  readonly leftOut: readonly Cut[]
}

/** Those that would live longest go first when there is no room for all. */
export function cutPolicy(cuts: readonly Cut[], now: Temporal.Instant, charsMax: number): CutPolicy {
  const live = cuts.filter(({ until }) => Temporal.Instant.compare(until, now) > 0)
  const byTime = live.filter(cut => cut.before !== undefined)
  const byName = live.filter(cut => cut.before === undefined).toSorted((a, b) => Temporal.Instant.compare(b.until, a.until))
  const before = byTime
    .map(cut => cut.before!)
    .toSorted((a, b) => Temporal.Instant.compare(a, b))
    .at(-1)
  // Each name takes the same room but for its length.
  let left = charsMax - documentOf(['', ''], before).length
  const cut: Cut[] = []
  for (const one of byName) {
    left -= JSON.stringify(patternOf(one)).length + 1
    if (left < 0) break
    cut.push(one)
  }
  return {
    document: cut.length === 0 && before === undefined ? undefined : documentOf(cut.map(patternOf), before),
    cut: [...byTime, ...cut],
    leftOut: byName.slice(cut.length)
  }
}

const patternOf = ({ part }: Cut): string => `*-${part}`

const deny = (Sid: string, Condition: object) => ({ Sid, Effect: 'Deny', Action: '*', Resource: '*', Condition })

function documentOf(patterns: readonly string[], before: Temporal.Instant | undefined): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      ...(patterns.length > 0 ? [deny('Sessions', { StringLike: { 'aws:userid': patterns } })] : []),
      ...(before ? [deny('IssuedBefore', { DateLessThan: { 'aws:TokenIssueTime': before.toString({ smallestUnit: 'second' }) } })] : [])
    ]
  })
}

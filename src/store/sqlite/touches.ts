import { watchedSpaces } from '../change.ts'
import type { Intention } from '../change.ts'

/** What changes may change of what is kept. */
export interface Touched {
  /** Names of rows. One login that takes its secret id must not empty what all issuing keeps. */
  readonly rows: readonly string[] | 'all'
  readonly tokens: boolean
}

interface Touches {
  readonly rows: boolean
  readonly tokens: boolean
}

const nothing: Touches = { rows: false, tokens: false }
const rows: Touches = { rows: true, tokens: false }
const tokens: Touches = { rows: false, tokens: true }
const both: Touches = { rows: true, tokens: true }

/** Named one by one, so that a new kind of change cannot be forgotten here. Rows of watched spaces raise the generation that comes with each token. */
const table: { readonly [Kind in Intention['kind']]: Touches } = {
  'seal.initialise': both,
  'seal.rekey': both,
  'seal.keyring': nothing,
  'reseal.begin': nothing,
  'reseal.rows': rows,
  'reseal.end': nothing,
  'held.begin': nothing,
  'held.setAside': nothing,
  'held.lift': both,
  'entry.put': rows,
  'entry.remove': rows,
  'entry.take': rows,
  'entry.spend': rows,
  'entry.expect': nothing,
  'space.thin': both,
  'space.drop': both,
  'sequence.reserve': nothing,
  'task.schedule': nothing,
  'task.unschedule': nothing,
  'task.settle': nothing,
  'target.retire': nothing,
  'target.failed': nothing,
  'target.recovered': nothing,
  // A token that was never there changes nobody's.
  'token.create': nothing,
  'token.use': tokens,
  'token.renew': tokens,
  'token.end': tokens,
  'tokens.expire': tokens,
  'token.require': nothing,
  'wrapping.put': nothing,
  'wrapping.open': tokens,
  'lease.begin': nothing,
  'lease.activate': nothing,
  'lease.renew': nothing,
  'lease.due': nothing,
  'lease.force': nothing,
  'lease.adopt': nothing,
  'lease.reopen': nothing,
  'lease.prolong': nothing,
  'lease.used': nothing,
  'lease.observed': nothing,
  'lease.claim': nothing,
  'lease.settle': nothing,
  'lease.takeOver': nothing,
  'cascade.open': tokens,
  'cascade.work': tokens,
  'cursor.move': nothing,
  'cursor.drop': nothing,
  'cursor.keep': nothing,
  'audit.prune': nothing,
  'history.prune': tokens
}

export function touchedBy(changes: readonly Intention[]): Touched {
  const names: string[] = []
  let all = false
  let tokens = false
  for (const change of changes) {
    const touches = touchesOf(change)
    tokens ||= touches.tokens
    if (touches.rows && isOfOneRow(change)) names.push(rowName(change.space, change.key))
    else all ||= touches.rows
  }
  return { rows: all ? 'all' : names, tokens }
}

/** As rows are called among those that are kept. */
export function rowName(space: string, key: string): string {
  return `${space}\n${key}`
}

function isOfOneRow(change: Intention): change is Extract<Intention, { kind: `entry.${string}` }> {
  return change.kind.startsWith('entry.')
}

function touchesOf(change: Intention): Touches {
  const touches = table[change.kind]
  // A pass over a million leases must not empty what issuing keeps at every step.
  if (change.kind === 'reseal.rows' && change.table !== 'entry') return nothing
  return 'space' in change && touches.rows && watchedSpaces.includes(change.space) ? both : touches
}

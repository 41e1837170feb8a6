import { quoteLiterals } from '../server/quote.ts'
import type { Row, Session } from '../server/session.ts'

/** One row of a user: it may have several, each with another host. */
export interface Account {
  readonly name: string
  readonly host: string
  readonly locked: boolean
  readonly plugin: string
  /** What it says itself, where users can. */
  readonly mark: string | undefined
}

/** By name, as the server spells it. */
export type Accounts = ReadonlyMap<string, readonly Account[]>

export const accountsSql = ({ kind }: Session, names: readonly string[]): string => `${kind.accounts} and User in (${quoteLiterals(names)})`

export function toAccounts(rows: readonly Row[]): Accounts {
  return Map.groupBy(rows.map(toAccount), ({ name }) => name)
}

export async function readAccounts(session: Session, names: readonly string[], signal: AbortSignal): Promise<Accounts> {
  if (names.length === 0) return new Map()
  const [rows = []] = await session.run(accountsSql(session, names), signal)
  return toAccounts(rows)
}

function toAccount(row: Row): Account {
  const mark = row['mark']
  return {
    name: text(row['name']),
    host: text(row['host']),
    // What cannot be read is not locked.
    locked: String(row['locked']) === '1',
    plugin: text(row['plugin']),
    mark: mark === null || mark === undefined ? undefined : text(mark)
  }
}

/** Columns of the older server are binary to the library. */
export const text = (value: unknown): string => (Buffer.isBuffer(value) ? value.toString('utf8') : typeof value === 'string' ? value : '')

/** What differs between the two servers, said in their SQL. Everything else of this driver is the same for both. */
import { BrokerError } from 'mayfly/plugin'
import type { Random } from 'mayfly/plugin'
import { mariadb } from './mariadb.ts'
import { mysql } from './mysql.ts'

export interface ServerKind {
  readonly name: 'MariaDB' | 'MySQL'
  readonly versionMin: readonly [number, number, number]
  readonly usernameBytesMax: number
  /** A user of MySQL carries its mark itself; one of MariaDB only in the comment of its event. */
  readonly marksUsers: boolean
  readonly defaultRolesMax: number
  /** Of how many one statement takes care in a time that nobody minds. */
  readonly statementUsersMax: number
  /** Stops the message that it begins once the server's clock is past `deadline`. */
  deadline(deadline: string): string
  /** Stops the message that it begins where `condition` holds. */
  refuseIf(condition: string): string
  /** How `refuseIf` shows itself, and the deadline. */
  readonly refused: number | string
  readonly tooLate: number | string
  /** `name`, `host`, `locked` (0 or 1), `plugin`, `mark`: of every account, for a `where` behind it. */
  readonly accounts: string
  /** `name`, `mark`, `until` (as our sessions read a time), `status`: of every event of ours. */
  readonly events: string
  readonly columns: { readonly name: string; readonly eventName: string }
  /** The `identified …` of a password's hash: for an account that is there by its own plugin, which is one of `plugins`, else by the one that the server prefers. */
  identified(password: string, random: Random, signal: AbortSignal, plugin?: string): Promise<string>
  readonly plugins: readonly string[]
  /** The `create` and what follows it up to the roles, as statements. */
  createUser(user: UserToMake): readonly string[]
  /** What an event does to end the sessions of a user. */
  endSessions(name: string): string
}

export interface UserToMake {
  readonly account: string
  readonly identified: string
  readonly mark: string
  readonly roles: readonly string[]
}

const kinds: readonly ServerKind[] = [mariadb, mysql]

/** By what `version()` says: `10.11.19-MariaDB-0+deb12u1`, `9.7.4`. */
export function kindOf(version: string): ServerKind {
  const kind = kinds.find(({ name }) => (name === 'MariaDB') === /mariadb/i.test(version))!
  const numbers = /^(?:5\.5\.5-)?(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number) ?? []
  const [at = 0] = kind.versionMin.map((least, index) => (numbers[index] ?? 0) - least).filter(difference => difference !== 0)
  if (numbers.length === 3 && at >= 0) return kind
  throw new BrokerError('target_refused', 'the server is no MySQL or MariaDB that is supported: MySQL 8.0.22, MariaDB 10.6 or newer')
}

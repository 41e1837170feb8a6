import { DatabaseSync, constants } from 'node:sqlite'
import type { SQLInputValue, StatementSync } from 'node:sqlite'
import { BrokerError } from '../../contracts/index.ts'

type Parameters = readonly SQLInputValue[] | readonly [Readonly<Record<string, SQLInputValue>>]

/** `names`: of its parameters, in the order of their numbers; none where they have no names. */
interface Prepared {
  readonly statement: StatementSync
  readonly names: readonly string[]
}

/** One connection with its prepared statements, each prepared once and found by its text. Synchronous: it belongs on a worker. */
export class Database {
  readonly connection: DatabaseSync
  readonly #statements = new Map<string, Prepared>()

  constructor(connection: DatabaseSync) {
    this.connection = connection
  }

  /** The number of rows that changed. */
  run(sql: string, ...parameters: Parameters): number {
    const { statement, names } = this.#prepared(sql, parameters)
    return Number(statement.run(...valuesOf(names, parameters)).changes)
  }

  // The row's shape is what its one statement selects: said here, by the caller, instead of a cast at each.
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
  get<Row>(sql: string, ...parameters: Parameters): Row | undefined {
    const { statement, names } = this.#prepared(sql, parameters)
    return statement.get(...valuesOf(names, parameters)) as Row | undefined
  }

  all<Row>(sql: string, ...parameters: Parameters): Row[] {
    const { statement, names } = this.#prepared(sql, parameters)
    return statement.all(...valuesOf(names, parameters)) as Row[]
  }

  /** Whether a `select <condition>` holds. */
  holds(condition: string, ...parameters: Parameters): boolean {
    return this.get<{ holds: number | null }>(`select (${condition}) as holds`, ...parameters)?.holds === 1
  }

  get inTransaction(): boolean {
    return this.connection.isTransaction
  }

  close(): void {
    this.#statements.clear()
    this.connection.close()
  }

  #prepared(sql: string, parameters: Parameters): Prepared {
    let prepared = this.#statements.get(sql)
    if (!prepared) {
      const { text, names } = numbered(sql)
      refuseSlips(names, parameters)
      prepared = { statement: this.connection.prepare(text), names }
      this.#statements.set(sql, prepared)
    }
    return prepared
  }
}

// In texts, quoted names and comments a colon begins no name.
const nameOrText = /'[^']*'|"[^"]*"|--[^\n]*|\/\*[^]*?\*\/|:([a-z_]\w*)/gi

/** Names become numbers here, once: node:sqlite looks each name up at each call, which for a lease of forty columns takes longer than storing it (measured: 22 µs of 52). */
function numbered(sql: string): { readonly text: string; readonly names: readonly string[] } {
  const names: string[] = []
  const text = sql.replace(nameOrText, (found: string, name: string | undefined) => {
    if (name === undefined) return found
    if (!names.includes(name)) names.push(name)
    return `?${names.indexOf(name) + 1}`
  })
  return { text, names }
}

/** A value that no name asks for is a slip, and so is a name without a value, which would be null: node:sqlite says so of names alone. Seen when the statement is first used, as whoever
 *  uses it gives it the same each time. */
function refuseSlips(names: readonly string[], parameters: Parameters): void {
  if (names.length === 0) return
  const given = Object.keys(parameters[0] ?? {})
  const unused = given.find(name => !names.includes(name))
  if (unused !== undefined) throw new Error(`a statement of the store has no parameter :${unused}`)
  const missing = names.find(name => !given.includes(name))
  if (missing !== undefined) throw new Error(`a statement of the store is given no :${missing}`)
}

function valuesOf(names: readonly string[], parameters: Parameters): SQLInputValue[] {
  if (names.length === 0) return parameters as SQLInputValue[]
  const [given] = parameters as readonly [Readonly<Record<string, SQLInputValue>>]
  return names.map(name => given[name] as SQLInputValue)
}

// A foreign process (a backup tool) may hold the write lock: a bounded wait on the worker, then the request fails.
const busyMsMax = 2_000

/** Each is read back after it was set: SQLite ignores what it does not know, and a build may have other limits. */
type Pragmas = Readonly<Record<string, string | number>>

const everywhere: Pragmas = {
  busy_timeout: busyMsMax,
  trusted_schema: 0,
  cell_size_check: 1,
  foreign_keys: 1,
  temp_store: 2
}

// The default cache of 2 MB doubles the cost of an issue at a million leases.
const cacheKib = 65_536

const walkCacheKib = 1_024

const onDisk: Pragmas = { mmap_size: 0 }

const writing: Pragmas = { synchronous: 2, secure_delete: 1, cache_size: -cacheKib }

const logging: Pragmas = { journal_mode: 'wal', wal_autocheckpoint: 4_000, journal_size_limit: 67_108_864 }

/** The one connection that writes. */
export function openWriting(file: string): Database {
  const connection = new DatabaseSync(file)
  setPragmas(connection, { ...everywhere, ...(file === ':memory:' ? { journal_mode: 'memory' } : { ...onDisk, ...logging }), ...writing })
  return new Database(connection)
}

export function openReading(file: string): Database {
  const connection = new DatabaseSync(file, { readOnly: true })
  setPragmas(connection, { ...everywhere, ...onDisk, query_only: 1, cache_size: -cacheKib / 2 })
  allowOnlyRows(connection)
  return new Database(connection)
}

/** For a walk through all of a large table, which must not drive out what others read: nothing of it is read twice. */
export function openWalking(file: string): Database {
  const connection = new DatabaseSync(file, { readOnly: true })
  setPragmas(connection, { ...everywhere, ...onDisk, query_only: 1, cache_size: -walkCacheKib })
  allowOnlyRows(connection)
  return new Database(connection)
}

/** After start nothing attaches files, changes the schema or sets pragmas, whatever a statement says. */
export function allowOnlyRows(connection: DatabaseSync): void {
  const { SQLITE_OK, SQLITE_DENY } = constants
  const rowActions = new Set([
    constants.SQLITE_READ,
    constants.SQLITE_SELECT,
    constants.SQLITE_INSERT,
    constants.SQLITE_UPDATE,
    constants.SQLITE_DELETE,
    constants.SQLITE_FUNCTION,
    constants.SQLITE_RECURSIVE,
    constants.SQLITE_TRANSACTION,
    constants.SQLITE_SAVEPOINT
  ])
  connection.setAuthorizer((action, name) => (rowActions.has(action) && name !== 'load_extension' ? SQLITE_OK : SQLITE_DENY))
}

function setPragmas(connection: DatabaseSync, pragmas: Pragmas): void {
  for (const [name, value] of Object.entries(pragmas)) {
    connection.exec(`pragma ${name} = ${value}`)
    const answer = Object.values(connection.prepare(`pragma ${name}`).get() ?? {})[0]
    if (answer !== value)
      throw new BrokerError('store_unreachable', `the store does not take ${name} = ${value}: it answers ${String(answer)}`)
  }
}

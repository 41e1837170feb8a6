import { BrokerError, unhandled } from 'mayfly/plugin'
import type { StatementKind } from 'mayfly/plugin'
import { readSql } from './lexer.ts'
import type { Context, Piece } from './lexer.ts'

export type Values = { readonly name: string; readonly password?: string; readonly expiration?: string }

const known: Readonly<Record<StatementKind, readonly string[]>> = {
  creation: ['name', 'username', 'password', 'expiration'],
  renew: ['name', 'username', 'expiration'],
  revocation: ['name', 'username'],
  root_rotation: ['name', 'username', 'password'],
  rotation: ['name', 'username', 'password']
}

/** What leaves the session as it was. */
const plain = new Set(['create', 'alter', 'drop', 'grant', 'revoke', 'rename', 'insert', 'update', 'delete', 'replace', 'select', 'flush'])
/** Not SQL, or not for us: a command of a shell; the mode in which all of this is read; a file of the broker. */
const refused = new Map([
  ['delimiter', 'DELIMITER is a command of a shell, not SQL: write the statement whole'],
  ['source', 'SOURCE is a command of a shell, not SQL'],
  ['sql_mode', 'sql_mode: the statements are read in the mode that Mayfly sets'],
  ['infile', 'no file is loaded']
])

/** Refuses what cannot be run as it was read, and warns of what works until it does not. */
export function readStatements(kind: StatementKind, statements: readonly string[]): { readonly warnings: readonly string[] } {
  const read = statements.map(statement => checked(kind, statement))
  if (read.length === 0) return { warnings: [] }
  if (kind === 'rotation' || kind === 'root_rotation') return { warnings: rotationWarnings(kind, read) }
  return { warnings: kind === 'creation' ? creationWarnings(read) : [] }
}

/** The statement with its values, each quoted by where it stands. Without the `;` that may end it: another one follows in the same message, and nothing between two of them is an error. */
export function fillIn(statement: string, values: Values): string {
  const pieces = readSql(statement)
  const last = pieces.findLastIndex(piece => piece.kind !== 'end' && !isBlank(piece))
  return pieces
    .slice(0, last + 1)
    .map(piece => renderPiece(piece, values))
    .join('')
}

/** Whether a session that has run them may be another one than before: what is not known to be harmless is taken for it. */
export function changesSession(statements: readonly string[]): boolean {
  return statements.some(statement => firstWords(readSql(statement)).some(first => !plain.has(first)))
}

function checked(kind: StatementKind, statement: string): readonly Piece[] {
  try {
    const pieces = readSql(statement)
    for (const piece of pieces) {
      const why = piece.kind === 'word' ? refused.get(piece.text.toLowerCase().replace(/^@@(?:session\.|global\.)?/, '')) : undefined
      if (why !== undefined) throw refusal(why)
      if (piece.kind === 'placeholder' && !known[kind].includes(piece.name)) throw unknownPlaceholder(kind, piece.name)
    }
    return pieces
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    throw new BrokerError(error.code, `${kind}_statements: ${error.message}`)
  }
}

function unknownPlaceholder(kind: StatementKind, name: string): BrokerError {
  const shown = /^\w{1,40}$/.test(name) ? name : '…'
  return refusal(`unknown placeholder {{${shown}}}, known are ${known[kind].map(one => `{{${one}}}`).join(', ')}`)
}

/** The first word of each statement, in lower case. What begins otherwise is `?`. */
function firstWords(pieces: readonly Piece[]): readonly string[] {
  const found: string[] = []
  let atStart = true
  for (const piece of pieces) {
    if (piece.kind === 'end') atStart = true
    else if (atStart && !isBlank(piece)) {
      found.push(piece.kind === 'word' ? piece.text.toLowerCase() : '?')
      atStart = false
    }
  }
  return found
}

const isBlank = (piece: Piece): boolean =>
  piece.kind === 'text' && piece.text.replaceAll(/(?:#|--\s)[^\n]*|\/\*.*?\*\//gs, '').trim() === ''

function creationWarnings(read: readonly (readonly Piece[])[]): readonly string[] {
  if (!read.some(pieces => mentions(pieces, ['name', 'username'])))
    return ['creation_statements: no {{name}} in them: they make no user of ours, and each credential will fail']
  return []
}

/** The hash goes in where the driver writes the statement; what somebody else wrote wants the password. */
function rotationWarnings(kind: StatementKind, read: readonly (readonly Piece[])[]): readonly string[] {
  if (!read.some(pieces => mentions(pieces, ['password']))) throw refusal(`${kind}_statements: no {{password}} in them: they set none`)
  return [`${kind}_statements: the password itself goes to the server in them, and may stand in its logs; without them only a hash does`]
}

function mentions(pieces: readonly Piece[], names: readonly string[]): boolean {
  return pieces.some(piece => piece.kind === 'placeholder' && names.includes(piece.name))
}

function renderPiece(piece: Piece, values: Values): string {
  switch (piece.kind) {
    case 'text':
    case 'word':
      return piece.text
    case 'end':
      return ';'
    case 'placeholder':
      return quoted(valueOf(piece.name, values), piece.context)
    default:
      return unhandled(piece)
  }
}

function valueOf(name: string, values: Values): string {
  const given = new Map<string, string | undefined>(Object.entries({ ...values, username: values.name }))
  const value = given.get(name)
  if (value === undefined) throw refusal('unknown placeholder')
  if (value.includes('\0')) throw refusal('a name or value contains NUL')
  return value
}

function quoted(value: string, context: Context): string {
  switch (context) {
    case 'identifier':
      return value.replaceAll('`', () => '``')
    case 'literal':
      return withoutBackslash(value).replaceAll("'", () => "''")
    case 'double':
      return withoutBackslash(value).replaceAll('"', () => '""')
    case 'bare':
      return `'${withoutBackslash(value).replaceAll("'", () => "''")}'`
    default:
      return unhandled(context)
  }
}

/** What it means depends on a mode of the server that a statement before may have changed. */
function withoutBackslash(value: string): string {
  if (value.includes('\\')) throw refusal('a value with a backslash cannot be put into a statement')
  return value
}

const refusal = (message: string) => new BrokerError('invalid_request', message)

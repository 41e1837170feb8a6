import { BrokerError, unhandled } from 'mayfly/plugin'
import type { StatementKind } from 'mayfly/plugin'
import { readSql, shown } from './lexer.ts'
import type { Context, Piece } from './lexer.ts'
import { quoteIdentifier, quoteLiteral } from '../server/quote.ts'

export type Values = { readonly name: string; readonly password?: string; readonly expiration?: string }

const known: Readonly<Record<StatementKind, readonly string[]>> = {
  creation: ['name', 'username', 'password', 'expiration'],
  renew: ['name', 'username', 'expiration'],
  revocation: ['name', 'username'],
  root_rotation: ['name', 'username', 'password'],
  rotation: ['name', 'username', 'password']
}

const transactionControl = new Set(['begin', 'start', 'commit', 'end', 'rollback', 'abort', 'savepoint', 'release', 'prepare'])
const sessionControl = new Set(['set', 'reset', 'discard', 'listen', 'load', 'declare'])

/** Refuses what cannot be run as a part of our transaction, and warns of what works until it does not. */
export function readStatements(kind: StatementKind, statements: readonly string[]): { readonly warnings: readonly string[] } {
  const read = statements.map(statement => checked(kind, statement))
  if ((kind === 'rotation' || kind === 'root_rotation') && read.length > 0) refuseWithoutPassword(kind, read)
  if (kind !== 'creation' || read.length === 0) return { warnings: [] }
  return { warnings: creationWarnings(read) }
}

/** The statement with its values, each quoted by where it stands. */
export function fillIn(statement: string, values: Values): string {
  return render(readSql(statement), values)
}

/** Whether a value of that name is put in anywhere. */
export function uses(statements: readonly string[], ...names: readonly string[]): boolean {
  return statements.some(statement => mentions(readSql(statement), names))
}

/** Whether a session that has run them is another one than before: `SET ROLE` outlives the transaction. */
export function changesSession(statements: readonly string[]): boolean {
  return statements.some(statement =>
    openings(readSql(statement)).some(([first, second]) => sessionControl.has(first ?? '') && second !== 'local')
  )
}

/** They would be run, and the password be what it was. */
function refuseWithoutPassword(kind: StatementKind, read: readonly (readonly Piece[])[]): void {
  if (!read.some(pieces => mentions(pieces, ['password']))) throw refusal(`${kind}_statements: no {{password}} in them: they set none`)
}

function checked(kind: StatementKind, statement: string): readonly Piece[] {
  try {
    const pieces = readSql(statement)
    refuseTransactionControl(pieces)
    refusePlaceholders(kind, pieces)
    return pieces
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    throw new BrokerError(error.code, `${kind}_statements: ${error.message}`)
  }
}

/** All statements run in our transaction: one that ends it would leave a user that nobody has promised to end. */
function refuseTransactionControl(pieces: readonly Piece[]): void {
  for (const [first = ''] of openings(pieces)) {
    if (first.startsWith('\\')) throw refusal('commands of psql, such as \\c, are not SQL')
    if (transactionControl.has(first))
      throw refusal(`${first.toUpperCase()}: the statements run in a transaction of Mayfly's, which only Mayfly ends`)
  }
}

/** The first two words of each statement, in lower case, comments left out. */
function openings(pieces: readonly Piece[]): readonly (readonly string[])[] {
  const found: string[][] = [[]]
  for (const piece of pieces) {
    const words = found.at(-1)!
    if (piece.kind === 'end') found.push([])
    else if (words.length < 2)
      words.push(...(piece.kind === 'word' ? [piece.text.toLowerCase()] : piece.kind === 'text' ? code(piece.text) : ['?']))
  }
  return found
}

function code(text: string): readonly string[] {
  const bare = text.replaceAll(/--[^\n\r]*|\/\*.*\*\//gs, '').trim()
  return bare === '' ? [] : [bare]
}

function refusePlaceholders(kind: StatementKind, pieces: readonly Piece[]): void {
  for (const piece of pieces) {
    if (piece.kind === 'placeholder' && !known[kind].includes(piece.name)) throw unknownPlaceholder(kind, piece.name)
    if (piece.kind !== 'dollar') continue
    // Read as SQL, the value gets quotes of its own inside the dollars: they would become a part of the password.
    if (isOnlyPlaceholder(piece.body)) throw refusal(`a placeholder alone in ${piece.tag}…${piece.tag}: write '{{…}}' in its place`)
    refusePlaceholders(kind, piece.body)
  }
}

function unknownPlaceholder(kind: StatementKind, name: string): BrokerError {
  return refusal(`unknown placeholder {{${shown(name)}}}, known are ${known[kind].map(one => `{{${one}}}`).join(', ')}`)
}

function isOnlyPlaceholder(pieces: readonly Piece[]): boolean {
  const rest = pieces.filter(piece => !(piece.kind === 'text' && piece.text.trim() === ''))
  return rest.length === 1 && rest[0]?.kind === 'placeholder'
}

function creationWarnings(read: readonly (readonly Piece[])[]): readonly string[] {
  const warnings: string[] = []
  if (!read.some(pieces => mentions(pieces, ['name', 'username'])))
    warnings.push('creation_statements: no {{name}} in them: they make no user of ours, and each credential will fail')
  if (read.some(grantsObjects))
    warnings.push(
      'creation_statements: rights granted to each user on objects end at about 2,440 users of one table, and concurrent grants fail: grant them to a group, and the group to the user'
    )
  for (const made of new Set(read.flatMap(whatStays)))
    warnings.push(`creation_statements: what ${made} does stays when the user ends, unless revocation_statements undo it`)
  return warnings
}

/** What is no part of the user, and so goes with no user. `ALTER DEFAULT PRIVILEGES` that name it do. */
function whatStays(pieces: readonly Piece[]): readonly string[] {
  return openings(pieces)
    .filter(([verb = '', what = '']) => (verb === 'create' || verb === 'alter') && !ofTheUser.has(what))
    .map(([verb = '', what = '']) => `${verb} ${what}`.toUpperCase())
}
const ofTheUser = new Set(['role', 'user', 'group', 'default'])

function mentions(pieces: readonly Piece[], names: readonly string[]): boolean {
  return pieces.some(piece =>
    piece.kind === 'placeholder' ? names.includes(piece.name) : piece.kind === 'dollar' && mentions(piece.body, names)
  )
}

/** `GRANT … ON …`: a right that is granted to the user itself. */
function grantsObjects(pieces: readonly Piece[]): boolean {
  let granting = false
  for (const piece of pieces) {
    if (piece.kind === 'end') granting = false
    if (piece.kind === 'dollar' && grantsObjects(piece.body)) return true
    if (piece.kind !== 'word') continue
    if (/^grant$/i.test(piece.text)) granting = true
    if (/^on$/i.test(piece.text) && granting) return true
  }
  return false
}

function render(pieces: readonly Piece[], values: Values): string {
  return pieces.map(piece => renderPiece(piece, values)).join('')
}

function renderPiece(piece: Piece, values: Values): string {
  switch (piece.kind) {
    case 'text':
    case 'word':
      return piece.text
    case 'end':
      return ';'
    case 'placeholder':
      return quoted(piece.name, valueOf(piece.name, values), piece.context)
    case 'dollar':
      return renderDollar(piece.tag, render(piece.body, values))
    default:
      return unhandled(piece)
  }
}

/** A value that closes the body would be read as SQL from there on. The body as written does not contain its tag. */
function renderDollar(tag: string, body: string): string {
  if ((body + tag).indexOf(tag) < body.length) throw refusal(`a value contains ${tag}, in which it stands`)
  return tag + body + tag
}

function valueOf(name: string, values: Values): string {
  const given = new Map<string, string | undefined>(Object.entries({ ...values, username: values.name }))
  const value = given.get(name)
  if (value === undefined) throw refusal(`unknown placeholder {{${shown(name)}}}`)
  return value
}

function quoted(name: string, value: string, context: Context): string {
  switch (context) {
    case 'identifier':
      return quoteIdentifier(value).slice(1, -1)
    case 'literal':
      return quoteLiteral(value).slice(1, -1)
    case 'bare':
      return name === 'name' || name === 'username' ? quoteIdentifier(value) : quoteLiteral(value)
    default:
      return unhandled(context)
  }
}

const refusal = (message: string) => new BrokerError('invalid_request', message)

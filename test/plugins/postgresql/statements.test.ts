import { expect, test } from 'vitest'
import type { StatementKind } from 'mayfly/plugin'
import { postgresql } from '../../../plugins/postgresql/index.ts'
import { changesSession, fillIn, uses } from '../../../plugins/postgresql/statements/statements.ts'

const values = { name: 'v-x"y', password: "p'w$&$`$'\\", expiration: '2026-11-22 22:00:05+0000' }
const refusal = (statement: string, kind: StatementKind = 'creation'): string => {
  try {
    postgresql.statements(kind, [statement])
  } catch (error) {
    expect(error).toMatchObject({ name: 'BrokerError', code: 'invalid_request' })
    return (error as Error).message
  }
  throw new Error('it was accepted')
}

test.each([
  ['an identifier', 'drop role "{{name}}"', 'drop role "v-x""y"'],
  ['a literal', "select '{{password}}'", "select 'p''w$&$`$''\\'"],
  ['nothing, for a name', 'drop role {{name}}', 'drop role "v-x""y"'],
  ['nothing, for a value', 'valid until {{expiration}}', "valid until '2026-11-22 22:00:05+0000'"],
  ['a part of an identifier', 'create schema "s_{{username}}"', 'create schema "s_v-x""y"'],
  ['white space inside the braces', 'drop role "{{ name }}"', 'drop role "v-x""y"'],
  ['a body in dollars', 'do $$ begin execute \'drop role "{{name}}"\'; end $$', 'do $$ begin execute \'drop role "v-x"y"\'; end $$'],
  ['a tagged body', 'do $b$ begin perform {{expiration}}; end $b$', "do $b$ begin perform '2026-11-22 22:00:05+0000'; end $b$"],
  ['a comment', "-- {{name}} it's\n/* /* {{nested}} */ ' */ select 1", "-- {{name}} it's\n/* /* {{nested}} */ ' */ select 1"],
  ['the end of a doubled quote', `select 'it''s {{expiration}}'`, `select 'it''s 2026-11-22 22:00:05+0000'`],
  [
    'a backslash literal, which is a plain character',
    String.raw`select '\', {{expiration}}`,
    String.raw`select '\', '2026-11-22 22:00:05+0000'`
  ],
  ['an identifier that contains a dollar', 'select a$$b, {{expiration}}', "select a$$b, '2026-11-22 22:00:05+0000'"],
  ['a word that ends in e before a literal', "select typee'{{expiration}}'", "select typee'2026-11-22 22:00:05+0000'"]
])('a placeholder in %s is quoted for it', (_, statement, expected) => {
  expect(fillIn(statement, values)).toBe(expected)
})

test.each([
  "select E'{{name}}'",
  "select e'\\'{{name}}'",
  "select U&'{{name}}'",
  'select U&"{{name}}"',
  "select X'{{name}}'",
  "select b'{{name}}'",
  "select E'a'\n '{{name}}'"
])('a placeholder where no value can be quoted is refused: %s', statement => {
  expect(refusal(statement)).toContain('{{name}}')
})

test('such literals without a placeholder are left alone', () => {
  const statement = String.raw`select E'it\'s; {', U&"d\0061t", X'1F'`
  expect(fillIn(statement, values)).toBe(statement)
})

test.each([
  ["select '{{nmae}}'", 'creation', 'unknown placeholder {{nmae}}'],
  ['do $$ begin {{oops}} end $$', 'creation', 'unknown placeholder {{oops}}'],
  ['alter role {{name}} password {{password}}', 'renew', 'unknown placeholder {{password}}'],
  ["alter role {{name}} valid until '{{expiration}}'", 'revocation', 'unknown placeholder {{expiration}}'],
  ['select {{constructor}}', 'creation', 'unknown placeholder {{constructor}}']
] as const)('a placeholder without a value is refused by name: %s', (statement, kind, expected) => {
  expect(refusal(statement, kind)).toContain(`${kind}_statements: ${expected}`)
})

test.each([
  'BEGIN',
  'begin; create role x; commit',
  'create role x; COMMIT',
  'create role x; -- done\n end',
  'create role x; /* a */ rollback to a',
  'start transaction',
  'abort',
  'savepoint a',
  "prepare transaction 'x'"
])('transaction control is refused: %s', statement => {
  expect(refusal(statement)).toContain('which only Mayfly ends')
})

test('transaction words elsewhere are no transaction control', () => {
  for (const statement of [
    'do $$ begin perform 1; end $$',
    "select 'begin; commit'",
    'create role "{{name}}" -- ; commit',
    'select 1 as commit',
    'grant "end" to "{{name}}"'
  ])
    expect(() => postgresql.statements('creation', [statement])).not.toThrow()
})

test('what is never closed is refused', () => {
  for (const statement of ["select 'x", 'select "x', 'do $a$ x $b$', '/* x', "select E'x\\'"])
    expect(refusal(statement)).toContain('never closed')
})

test('commands of psql are no SQL', () => {
  expect(refusal('\\c app')).toContain('psql')
  expect(refusal('select 1;\n \\connect app')).toContain('psql')
})

test('a placeholder alone in dollars would get quotes of its own', () => {
  expect(refusal('create role {{name}} password $${{password}}$$')).toContain('alone in $$')
})

test('a value cannot close the body in which it stands', () => {
  expect(() => fillIn('do $x$ begin perform {{password}}; end $x$', { name: 'n', password: 'a$x$; drop role postgres' })).toThrow(
    'contains $x$'
  )
  expect(() => fillIn("do $$ begin execute '{{password}}$'; end $$", { name: 'n', password: 'a$' })).toThrow('contains $$')
})

test('NUL is refused everywhere', () => {
  expect(() => fillIn('drop role {{name}}', { name: 'a\0b' })).toThrow('NUL')
  expect(() => fillIn("select '{{name}}'", { name: 'a\0b' })).toThrow('NUL')
})

test('the examples that others publish are accepted unchanged', () => {
  const statements = [
    `CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';`,
    `CREATE ROLE "{{name}}" WITH LOGIN ENCRYPTED PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' INHERIT;GRANT ro TO "{{name}}";`,
    `GRANT SELECT ON ALL TABLES IN SCHEMA public TO "{{name}}";`
  ]
  expect(postgresql.statements('creation', statements).warnings).toEqual([expect.stringContaining('grant them to a group')])
  expect(postgresql.statements('creation', statements.slice(0, 2)).warnings).toEqual([])
  expect(postgresql.statements('renew', [`ALTER ROLE "{{name}}" VALID UNTIL '{{expiration}}';`]).warnings).toEqual([])
  expect(
    postgresql.statements('revocation', [`REVOKE ALL ON ALL TABLES IN SCHEMA public FROM "{{name}}"; DROP ROLE IF EXISTS "{{name}}";`])
      .warnings
  ).toEqual([])
  expect(postgresql.statements('root_rotation', [`ALTER USER "{{username}}" WITH PASSWORD '{{password}}';`]).warnings).toEqual([])
})

test('statements that make no user of ours are warned of', () => {
  expect(postgresql.statements('creation', ['select 1']).warnings).toEqual([expect.stringContaining('no {{name}}')])
})

test('which statements leave another session behind', () => {
  for (const statement of ['set role x', 'create role {{name}}; SET search_path = a', 'reset all', 'discard all', 'listen x'])
    expect(changesSession([statement])).toBe(true)
  for (const statement of ['set local role x', 'alter role {{name}} set search_path = a', 'select 1'])
    expect(changesSession([statement])).toBe(false)
})

test('a placeholder in a comment is not used', () => {
  expect(uses(['-- {{password}}\nselect 1'], 'password')).toBe(false)
  expect(uses(["do $$ begin execute '{{password}}'; end $$"], 'password')).toBe(true)
})

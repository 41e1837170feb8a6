import { expect, test } from 'vitest'
import { changesSession, fillIn, readStatements } from '../../../plugins/mysql/statements/statements.ts'

const values = { name: 'n\'`"-1', password: 'p\'$&"' }

test.each([
  ["create user '{{name}}'@'%'", "create user 'n''`\"-1'@'%'"],
  ['create user `{{name}}`@`%`', 'create user `n\'``"-1`@`%`'],
  ['select "{{password}}"', 'select "p\'$&"""'],
  ['create user {{name}} identified by {{password}}', "create user 'n''`\"-1' identified by 'p''$&\"'"],
  ["select 'it''s {{username}}', 'a\\'{{name}}'", "select 'it''s n''`\"-1', 'a\\'n''`\"-1'"],
  ["select 1 # {{nothing}}'\n, '{{name}}'", "select 1 # {{nothing}}'\n, 'n''`\"-1'"],
  ["select 1 -- {{nothing}}'\n, '{{name}}'", "select 1 -- {{nothing}}'\n, 'n''`\"-1'"],
  ["select 1 /* ' {{nothing}} */, '{{name}}'", "select 1 /* ' {{nothing}} */, 'n''`\"-1'"],
  ["select 5--'{{name}}'", "select 5--'n''`\"-1'"],
  ["grant a to '{{name}}';\n", "grant a to 'n''`\"-1'"],
  ["grant a to '{{name}}'; -- done\n;", "grant a to 'n''`\"-1'"],
  ["select ';'; select '{{name}}'", "select ';'; select 'n''`\"-1'"]
])('%s', (template, sql) => {
  expect(fillIn(template, values)).toBe(sql)
})

test.each([
  ['create user {{nam}}', 'unknown placeholder {{nam}}'],
  ["select x'{{name}}'", 'no value can be quoted'],
  ["select B'{{name}}'", 'no value can be quoted'],
  ['/*! create user {{name}} */', 'comments that the server runs'],
  ['/*M!100100 create user {{name}} */', 'comments that the server runs'],
  ['delimiter //', 'DELIMITER'],
  ["set SESSION sql_mode = 'ANSI_QUOTES'", 'sql_mode'],
  ["set @@sql_mode = 'ANSI_QUOTES'", 'sql_mode'],
  ["load data local infile '/etc/passwd' into table a", 'no file'],
  ["select 'never closed", 'unterminated'],
  ['select /* never closed', 'unterminated']
])('%s is refused', (statement, why) => {
  expect(() => readStatements('creation', [statement])).toThrow(`creation_statements: `)
  expect(() => readStatements('creation', [statement])).toThrow(why)
})

test('a value with a backslash is refused where it would stand in a text, and taken as a name', () => {
  expect(() => fillIn("select '{{name}}'", { name: 'a\\' })).toThrow('backslash')
  expect(fillIn('select `{{name}}`', { name: 'a\\' })).toBe('select `a\\`')
})

test('statements without a name or a password do not do what they are for', () => {
  expect(readStatements('creation', ['select 1']).warnings).toEqual([expect.stringContaining('no {{name}}')])
  expect(() => readStatements('rotation', ["alter user '{{name}}'@'%' account unlock"])).toThrow('no {{password}}')
  expect(readStatements('rotation', ["alter user '{{name}}'@'%' identified by '{{password}}'"]).warnings).toHaveLength(1)
  expect(readStatements('creation', [])).toEqual({ warnings: [] })
})

test.each([
  ["create user '{{name}}'; grant a to '{{name}}'", false],
  ['-- first\n  GRANT a to b', false],
  ['set role a', true],
  ['use app', true],
  ['lock tables a read', true],
  ["prepare p from 'select 1'", true],
  ['grant a to b; begin', true],
  ['call anything()', true]
])('whether %s changes the session: %s', (statement, changes) => {
  expect(changesSession([statement])).toBe(changes)
})

import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { Database } from '../../src/store/sqlite/database.ts'

test('a value goes where its name stands, as often as it does, whatever order it is given in', () => {
  const db = new Database(new DatabaseSync(':memory:'))
  expect(db.get('select :b as b, :a as a, :b as again', { a: 1, b: 2 })).toEqual({ b: 2, a: 1, again: 2 })
  expect(db.get('select ? as one, ? as two', 1, 2)).toEqual({ one: 1, two: 2 })
  db.close()
})

test('what stands in a text, a quoted name or a comment is no parameter, and an apostrophe in a comment begins no text', () => {
  const db = new Database(new DatabaseSync(':memory:'))
  const sql = `select ':no' as "it:is", 'it''s :no' as text, -- the row's :no
    :a as a /* and :no, it's
    :no */, :b as b -- nor :no`
  expect(db.get(sql, { a: 1, b: 2 })).toEqual({ 'it:is': ':no', text: "it's :no", a: 1, b: 2 })
  db.close()
})

test('a value that no name asks for, and a name without a value, are refused', () => {
  const db = new Database(new DatabaseSync(':memory:'))
  expect(() => db.get('select :a as a', { a: 1, b: 2 })).toThrow(':b')
  expect(() => db.get('select :a as a', { a: 1, toString: 2 })).toThrow(':toString')
  expect(() => db.get('select :a as a, :b as b', { a: 1 })).toThrow('no :b')
  expect(() => db.get('select :a as a', 1)).toThrow('no :a')
  expect(() => db.get("select ':a' as a", { a: 1 })).toThrow()
  expect(db.get('select :a as a', { a: 1 })).toEqual({ a: 1 })
  db.close()
})

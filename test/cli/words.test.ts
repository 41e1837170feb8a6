import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { escapeButLines, escapeControl, safeJson, safeYaml } from '../../src/cli/escape-control.ts'
import { keyValueTable, table } from '../../src/cli/table.ts'
import { timeLeft } from '../../src/cli/time-left.ts'

test('times are said by their two largest units', () => {
  const said = [0, 1, 59, 60, 61, 3_540, 3_599, 3_600, 3_660, 86_400, 90_061, 2_764_800, -12, -3_700, Number.NaN].map(timeLeft)
  expect(said).toEqual([
    'now',
    'in 1s',
    'in 59s',
    'in 1m',
    'in 1m',
    'in 59m',
    'in 59m',
    'in 1h',
    'in 1h 1m',
    'in 1d',
    'in 1d 1h',
    'in 32d',
    '12s ago',
    '1h 1m ago',
    'now'
  ])
})

const anyText = fc.string({ unit: 'binary' })

test('whatever a text holds, nothing of it moves a terminal', () => {
  fc.assert(
    fc.property(anyText, text => {
      expect(escapeControl(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
      expect(escapeButLines(text).replaceAll(/[\n\t]/g, '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
    })
  )
})

test('JSON for a terminal is the same value', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), value => {
      const text = safeJson(value)
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
      expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
    })
  )
})

test('YAML for a terminal is the same value', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), value => {
      const text = safeYaml(value)
      // Up to the sign of a zero: YAML keeps it, and the JSON that stands for some of it does not.
      expect(JSON.parse(JSON.stringify(parse(text)))).toEqual(JSON.parse(JSON.stringify(value)))
      expect(text.replaceAll(/[\n\t]/g, '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
    })
  )
})

test('a row is a line, whatever is in its cells', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyText, anyText)), rows => {
      expect(table(['A', 'B'], rows)).toHaveLength(rows.length + 2)
      expect(table(['A', 'B'], rows).every(line => !line.includes('\n'))).toBe(true)
    })
  )
})

test('only a key begins at the edge', () => {
  fc.assert(
    fc.property(anyText, value => {
      const [, , first, ...rest] = keyValueTable([['key', value]])
      expect(first?.startsWith('key')).toBe(true)
      expect(rest.every(line => line === '' || line.startsWith('       '))).toBe(true)
    })
  )
})

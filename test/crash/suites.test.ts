import { expect, test } from 'vitest'
import * as points from '../../src/broker/crash-point.ts'
import { crashSuites } from './suites.ts'

const named: readonly string[] = Object.values(points)
  .filter(exported => Array.isArray(exported))
  .flat()

test.each(named)('%s belongs to exactly one suite of the long run', point => {
  const suites = crashSuites.filter(({ moments }) => moments.some(moment => moment.point === point))
  expect(suites).toHaveLength(1)
})

test('no name is there twice, and a suite has no point that the broker does not know', () => {
  expect(named.length).toBeGreaterThan(40)
  expect(new Set(named).size).toBe(named.length)
  const asked = crashSuites.flatMap(({ moments }) => moments.filter(moment => 'pass' in moment)).map(({ point }) => point)
  expect(new Set(asked)).toEqual(new Set(named))
})

import { expect, test } from 'vitest'
import { parseConfig } from '../src/config.ts'

const parse = (sqlite: Readonly<Record<string, unknown>>) =>
  parseConfig(JSON.stringify({ listener: { tls: 'off' }, storage: { sqlite } }), '/etc/mayfly').storage

test('a witness lies outside of the data folder, however it is spelled', () => {
  expect(parse({ path: './data', witness: '/mnt/other/witness' })).toEqual({ path: '/etc/mayfly/data', witness: '/mnt/other/witness' })
  expect(parse({ path: './data', witness: './data-witness' })).toEqual({ path: '/etc/mayfly/data', witness: '/etc/mayfly/data-witness' })
  expect(parse({ path: './data' })).toEqual({ path: '/etc/mayfly/data', witness: undefined })
  for (const witness of ['./data/witness', '/etc/mayfly/data/a/b', './x/../data/witness', './data'])
    expect(() => parse({ path: './data', witness }), witness).toThrow('storage.sqlite.witness: expected a file outside of the data folder')
  expect(() => parse({ path: './data', witnes: 'x' })).toThrow()
})

import { expect, test } from 'vitest'
import { parseConfig } from '../src/config.ts'

const parse = (more: Readonly<Record<string, unknown>>) =>
  parseConfig(JSON.stringify({ listener: { tls: 'off' }, storage: { sqlite: { path: './data' } }, ...more }), '/etc/mayfly')

const file = (path: string) => ({ type: 'file', path })

test('nobody may enable a sink that is a file of the store', () => {
  for (const audit_dir of ['./data/audit', '/var/log/mayfly', './data-audit', './..data'])
    expect(parse({ audit_dir }).auditDirectory, audit_dir).toBeDefined()
  for (const audit_dir of ['./data', './data/', '/etc/mayfly/x/../data', '/etc/mayfly', '.', '/'])
    expect(() => parse({ audit_dir }), audit_dir).toThrow('audit_dir: expected a folder that does not hold the data folder')
  expect(parse({ audit_dir: '.', storage: { memory: {} } }).auditDirectory).toBe('/etc/mayfly')
})

test('two sinks do not write to one place, however it is spelled', () => {
  expect(parse({ audit: [file('./a'), file('./b'), { type: 'stdout' }] }).audit).toHaveLength(3)
  for (const audit of [
    [file('./a'), file('/etc/mayfly//a')],
    [file('./a'), file('./x/../a')],
    [{ type: 'stdout' }, { type: 'stdout' }]
  ])
    expect(() => parse({ audit }), JSON.stringify(audit)).toThrow('audit: the same place is named twice')
})

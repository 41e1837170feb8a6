import { expect, test } from 'vitest'
import { Router } from '../../src/broker/door/router.ts'

const row = (pattern: string, ...verbs: readonly ('read' | 'write' | 'list' | 'delete')[]) => ({
  pattern,
  ...Object.fromEntries(verbs.map(verb => [verb, true]))
})

const router = new Router([
  row('mounts/*path', 'read', 'write', 'delete'),
  row('mounts/*path/tune', 'read', 'write'),
  row('mounts', 'read'),
  row('leases/lookup', 'write'),
  row('leases/lookup/*prefix', 'list'),
  row('roles/:name', 'read', 'write'),
  row('roles/admin', 'read'),
  row('roles', 'list')
])

test.each([
  ['mounts', 'read', 'mounts', {}],
  ['mounts/a', 'read', 'mounts/*path', { path: 'a' }],
  ['mounts/a/b', 'update', 'mounts/*path', { path: 'a/b' }],
  ['mounts/a/tune', 'read', 'mounts/*path/tune', { path: 'a' }],
  ['mounts/a/b/tune', 'update', 'mounts/*path/tune', { path: 'a/b' }],
  ['mounts/tune', 'read', 'mounts/*path', { path: 'tune' }],
  ['mounts/tune/tune', 'read', 'mounts/*path/tune', { path: 'tune' }],
  ['mounts/a/tune/b', 'read', 'mounts/*path', { path: 'a/tune/b' }],
  ['leases/lookup', 'list', 'leases/lookup/*prefix', { prefix: '' }],
  ['leases/lookup/a/b', 'list', 'leases/lookup/*prefix', { prefix: 'a/b' }],
  ['leases/lookup', 'update', 'leases/lookup', {}],
  ['roles/admin', 'read', 'roles/admin', {}],
  ['roles/admin', 'update', 'roles/:name', { name: 'admin' }],
  ['roles/other', 'read', 'roles/:name', { name: 'other' }],
  ['roles', 'list', 'roles', {}]
] as const)('%s: %s is served by %s', (path, operation, pattern, params) => {
  const match = router.match(path, operation)
  expect(match?.path.pattern).toBe(pattern)
  expect({ ...match?.params }).toEqual(params)
})

test.each(['', 'role', 'roles/a/b', 'roles/', 'leases'])('nothing serves %j', path => {
  expect(router.match(path, 'read')).toBeUndefined()
})

test('a path that knows other operations is found, so that 405 can be told from 404', () => {
  expect(router.match('mounts/a/tune', 'list')?.path.pattern).toBe('mounts/*path/tune')
})

test('params have no prototype to reach for', () => {
  expect(router.match('roles/x', 'read')?.params['constructor']).toBeUndefined()
})

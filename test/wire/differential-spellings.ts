/** The many ways in which clients spell the same thing: both servers must read the same in them. */
import { leaseOf, step, tokenOf } from './differential-step.ts'
import type { Step } from './differential-step.ts'

const made = ['auth.lease_duration', 'auth.renewable', 'auth.num_uses', 'auth.policies', 'auth.orphan']
const tuned = ['data.default_lease_ttl', 'data.max_lease_ttl']

const create = (name: string, body: object) => step(name, 'POST', 'auth/token/create', body, { values: made })
const role = (name: string, fields: object) =>
  step(name, 'POST', `database/roles/${name.replaceAll(' ', '-')}`, { db_name: 'app', ...fields })
const readRole = (name: string) =>
  step(`${name}, read back`, 'GET', `database/roles/${name.replaceAll(' ', '-')}`, undefined, {
    values: ['data.default_ttl', 'data.max_ttl', 'data.creation_statements']
  })
const tune = (name: string, body: object): readonly Step[] => [
  step(name, 'POST', 'sys/mounts/tuned/tune', body),
  step(`${name}, read back`, 'GET', 'sys/mounts/tuned/tune', undefined, { values: tuned })
]

export const spellings: readonly Step[] = [
  create('scalars as text', { policies: ['default'], ttl: '3600', num_uses: '2', renewable: 'false' }),
  create('a TTL in days', { policies: ['default'], ttl: '2d' }),
  create('a TTL in hours and minutes', { policies: ['default'], ttl: '1h30m' }),
  create('a TTL by its old name', { policies: ['default'], lease: '90s' }),
  create('zeros and empty texts, as the command line sends them', {
    policies: ['default'],
    ttl: '0s',
    period: '0s',
    explicit_max_ttl: '0s',
    num_uses: 0,
    entity_alias: '',
    type: 'service'
  }),
  create('null everywhere', { policies: null, ttl: null, meta: null, num_uses: null }),
  create('a comma in one policy name', { policies: 'default,other' }),
  create('policies in capitals', { policies: ['DEFAULT', 'Other'] }),
  create('a space around a policy name', { policies: [' other '] }),
  create('metadata as text', { policies: ['default'], meta: '{"a":"b"}' }),
  create('a period cut by the maximum', { policies: ['default'], period: '1000h' }),
  create('an explicit maximum', { policies: ['default'], ttl: '2h', explicit_max_ttl: '1h' }),
  create('no parent', { policies: ['default'], no_parent: true }),
  create('an id of its own with a dot', { id: 'a.b' }),
  create('a fraction for a TTL', { ttl: 1.5 }),
  create('a text for a number', { num_uses: 'many' }),
  create('a number below zero', { num_uses: -1 }),
  create('days and hours for a TTL', { ttl: '1d12h' }),
  create('an unknown type of token', { type: 'other' }),
  step('renew itself with a body of null', 'PUT', 'auth/token/renew-self', null, { as: 'a TTL in days', values: ['auth.lease_duration'] }),
  step('renew a token by a duration', 'POST', 'auth/token/renew', seen => ({ ...tokenOf('a TTL in days')(seen), increment: '90m' }), {
    values: ['auth.lease_duration']
  }),
  step('renew what is not renewable', 'PUT', 'auth/token/renew-self', {}, { as: 'scalars as text' }),
  step('look up with the last use', 'GET', 'auth/token/lookup-self', undefined, { as: 'scalars as text', values: ['data.num_uses'] }),
  step('look up after the last use', 'GET', 'auth/token/lookup-self', undefined, { as: 'scalars as text' }),
  step('look itself up by a post', 'POST', 'auth/token/lookup', {}, { values: ['data.policies'] }),
  step('look itself up by a get', 'GET', 'auth/token/lookup', undefined, { values: ['data.policies'] }),

  step('enable a mount with settings', 'POST', 'sys/mounts/tuned', {
    type: 'database',
    description: null,
    config: { default_lease_ttl: '30m', max_lease_ttl: 7200, force_no_cache: false },
    options: null,
    local: 'false'
  }),
  ...tune('tune by an empty text', { default_lease_ttl: '', max_lease_ttl: '', options: null, force_no_cache: false }),
  ...tune('tune by a number', { default_lease_ttl: 600 }),
  ...tune('tune back to the system', { default_lease_ttl: 'system', max_lease_ttl: '0s' }),
  step('enable a mount beyond its own maximum', 'POST', 'sys/mounts/beyond', {
    type: 'database',
    config: { default_lease_ttl: '3h', max_lease_ttl: '1h' }
  }),
  step('write to a mount with a slash at its end', 'POST', 'sys/mounts/tuned/', { type: 'database' }),
  step('disable a mount with a slash at its end', 'DELETE', 'sys/mounts/tuned/'),

  role('a role in text', { creation_statements: 'select 1; select 2, 3', default_ttl: '600', max_ttl: '1h' }),
  readRole('a role in text'),
  role('a role in lists', { creation_statements: ['select 1', 'select 2'], default_ttl: 600, max_ttl: '2d' }),
  readRole('a role in lists'),
  step('list with one for true', 'GET', 'database/roles?list=1'),
  step('list with a folder', 'LIST', 'database/roles/'),
  step('read with an unknown question', 'GET', 'database/roles/a-role-in-text?zebra=1'),
  step('delete a role that was never there', 'DELETE', 'database/roles/never'),
  step('reset a connection', 'POST', 'database/reset/app', {}),

  step('issue for spellings', 'GET', 'database/creds/app'),
  step('renew by a text of seconds', 'POST', 'sys/leases/renew', seen => ({ ...leaseOf('issue for spellings')(seen), increment: '300' }), {
    values: ['lease_duration', 'renewable']
  }),
  step('renew by zero', 'POST', 'sys/leases/renew', seen => ({ ...leaseOf('issue for spellings')(seen), increment: 0 }), {
    values: ['lease_duration']
  }),
  step('renew by less than nothing', 'POST', 'sys/leases/renew', seen => ({ ...leaseOf('issue for spellings')(seen), increment: -5 })),
  step('list all leases', 'LIST', 'sys/leases/lookup/'),
  step('renew a token as a lease', 'POST', 'sys/leases/renew', { lease_id: 'auth/token/create/h0000' }),
  step('revoke with the id in the path', 'PUT', seen => `sys/leases/revoke/${leaseOf('issue for spellings')(seen).lease_id}`, {
    sync: 'true'
  }),

  step('a policy in JSON', 'PUT', 'sys/policies/acl/json', { policy: '{"path":{"x":{"capabilities":["read"]}}}' }),
  step('a policy in base64', 'PUT', 'sys/policies/acl/base64', {
    policy: Buffer.from('path "x" { capabilities = ["read"] }').toString('base64')
  }),
  step('a policy in base64, read back', 'GET', 'sys/policies/acl/base64', undefined, { values: ['data.policy'] }),
  step('a policy by a word of old', 'PUT', 'sys/policies/acl/word', { policy: 'path "x" { policy = "write" }' }),
  step('an empty list of capabilities on a path', 'POST', 'sys/capabilities-self', { paths: [] }),
  step('capabilities by one text', 'POST', 'sys/capabilities-self', { paths: 'sys/mounts' }, { values: ['data.capabilities'] }),
  step('capabilities of nothing', 'POST', 'sys/capabilities', seen => ({ ...tokenOf('a TTL in days')(seen), paths: ['sys/mounts', 'x'] }), {
    values: ['data']
  })
]

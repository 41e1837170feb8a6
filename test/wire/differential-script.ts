/** One script of requests for two servers: what they do, and in which shapes they say it. */
import type { PostgresAddress } from '../targets/postgres-access.ts'
import { accessorOf, leaseOf, step, tokenOf } from './differential-step.ts'
import type { Seen, Step } from './differential-step.ts'
import { spellings } from './differential-spellings.ts'
import { wrapping } from './differential-wrapping.ts'

const creation = `create role "{{name}}" login password '{{password}}' valid until '{{expiration}}'`
const revocation = `drop role if exists "{{name}}"`
const appPolicy = 'path "database/creds/app" { capabilities = ["read"] }\npath "sys/leases/lookup" { capabilities = ["update"] }\n'

export function differentialScript({ host, port, admin }: PostgresAddress): readonly Step[] {
  return [
    ...life,
    ...mounts,
    step('configure a connection', 'PUT', 'database/config/app', {
      plugin_name: 'postgresql-database-plugin',
      allowed_roles: 'app,other',
      connection_url: `postgresql://{{username}}:{{password}}@${host}:${port}/app?sslmode=disable`,
      username: admin.user,
      password: admin.password
    }),
    ...database,
    ...leases,
    ...tokens,
    ...policies,
    ...passwordPolicies,
    ...refusals,
    ...spellings,
    ...wrapping,
    ...endings
  ]
}

const life: readonly Step[] = [
  step('health', 'GET', 'sys/health'),
  step('health with a code that is no number', 'GET', 'sys/health?activecode=x'),
  step('seal status', 'GET', 'sys/seal-status'),
  step('leader', 'GET', 'sys/leader'),
  step('is it initialised', 'GET', 'sys/init'),
  step('a second init', 'PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 }),
  step('unseal without a key', 'PUT', 'sys/unseal', {}),
  step('key status', 'GET', 'sys/key-status')
]

const mounts: readonly Step[] = [
  step('enable a mount', 'POST', 'sys/mounts/database', { type: 'database', description: 'ours' }),
  step('enable it again', 'POST', 'sys/mounts/database', { type: 'database' }),
  step('enable a mount below another', 'POST', 'sys/mounts/database/below', { type: 'database' }),
  step('enable what nobody knows', 'POST', 'sys/mounts/strange', { type: 'strange' }),
  step('enable a mount without a type', 'POST', 'sys/mounts/strange', {}),
  step('enable a mount below sys', 'POST', 'sys/mounts/sys/x', { type: 'database' }),
  step('read a mount', 'GET', 'sys/mounts/database'),
  step('read a mount that is not there', 'GET', 'sys/mounts/nothing'),
  step('read the tuning', 'GET', 'sys/mounts/database/tune'),
  step('tune', 'POST', 'sys/mounts/database/tune', { default_lease_ttl: '1h', max_lease_ttl: '24h' }),
  step('read the changed tuning', 'GET', 'sys/mounts/database/tune'),
  step('tune the default above the maximum', 'POST', 'sys/mounts/database/tune', { default_lease_ttl: '48h' }),
  step('tune what is not there', 'POST', 'sys/mounts/nothing/tune', { description: 'x' }),
  step('list auth methods', 'GET', 'sys/auth'),
  step('read an auth method that is not there', 'GET', 'sys/auth/nothing'),
  step('read the tuning of tokens', 'GET', 'sys/auth/token/tune'),
  step('preflight of a mount', 'GET', 'sys/internal/ui/mounts/database/creds/app'),
  step('preflight of nothing', 'GET', 'sys/internal/ui/mounts/nothing/x')
]

const database: readonly Step[] = [
  step('read a connection', 'GET', 'database/config/app'),
  step('list connections', 'LIST', 'database/config'),
  step('read a connection that is not there', 'GET', 'database/config/nothing'),
  step('list roles before there is one', 'LIST', 'database/roles'),
  step('write a role', 'POST', 'database/roles/app', {
    db_name: 'app',
    creation_statements: creation,
    revocation_statements: [revocation],
    default_ttl: '10m',
    max_ttl: '1h'
  }),
  step('write a role without a connection', 'POST', 'database/roles/none', { creation_statements: creation }),
  step('read a role', 'GET', 'database/roles/app'),
  step('read a role that is not there', 'GET', 'database/roles/nothing'),
  step('list roles by verb', 'LIST', 'database/roles'),
  step('list roles by query', 'GET', 'database/roles?list=true'),
  step('read credentials', 'GET', 'database/creds/app'),
  step('read credentials once more', 'GET', 'database/creds/app'),
  step('write to credentials', 'POST', 'database/creds/app', {}),
  step('read credentials of an unknown role', 'GET', 'database/creds/nothing'),
  step('write an unrouted path', 'GET', 'database/nothing/here')
]

const leases: readonly Step[] = [
  step('look a lease up', 'PUT', 'sys/leases/lookup', leaseOf('read credentials')),
  step('look nothing up', 'PUT', 'sys/leases/lookup', {}),
  step('look an unknown lease up', 'PUT', 'sys/leases/lookup', { lease_id: 'database/creds/app/none' }),
  step('list leases', 'LIST', 'sys/leases/lookup/database/creds/app'),
  step('list the level above', 'LIST', 'sys/leases/lookup/database/'),
  step('list leases of nothing', 'LIST', 'sys/leases/lookup/nothing/'),
  step('renew a lease', 'PUT', 'sys/leases/renew', (seen: Seen) => ({ ...leaseOf('read credentials')(seen), increment: '5m' })),
  step('renew beyond the maximum', 'PUT', 'sys/leases/renew', (seen: Seen) => ({
    ...leaseOf('read credentials')(seen),
    increment: 100_000
  })),
  step('renew with the id in the path', 'PUT', (seen: Seen) => `sys/leases/renew/${leaseOf('read credentials')(seen).lease_id}`, {}),
  step('renew an unknown lease', 'PUT', 'sys/leases/renew', { lease_id: 'database/creds/app/none' }),
  step('renew without an id', 'PUT', 'sys/leases/renew', {}),
  step('look a renewed lease up', 'PUT', 'sys/leases/lookup', leaseOf('read credentials')),
  step('revoke a lease', 'PUT', 'sys/leases/revoke', leaseOf('read credentials')),
  step('revoke it again', 'PUT', 'sys/leases/revoke', leaseOf('read credentials')),
  step('revoke without waiting', 'PUT', 'sys/leases/revoke', (seen: Seen) => ({
    ...leaseOf('read credentials once more')(seen),
    sync: false
  })),
  step('revoke without an id', 'PUT', 'sys/leases/revoke', {}),
  step('renew a revoked lease', 'PUT', 'sys/leases/renew', leaseOf('read credentials')),
  step('look a revoked lease up', 'PUT', 'sys/leases/lookup', leaseOf('read credentials')),
  step('count the irrevocable', 'GET', 'sys/leases/count?type=irrevocable'),
  step('list the irrevocable', 'GET', 'sys/leases?type=irrevocable'),
  step('count of another type', 'GET', 'sys/leases/count?type=other'),
  step('tidy leases', 'PUT', 'sys/leases/tidy', {}),
  step('revoke a prefix', 'PUT', 'sys/leases/revoke-prefix/database/creds', {}),
  step('revoke a prefix without waiting', 'PUT', 'sys/leases/revoke-prefix/database/creds', { sync: false }),
  step('force a prefix', 'PUT', 'sys/leases/revoke-force/database/creds', {})
]

const tokens: readonly Step[] = [
  step('create a token', 'POST', 'auth/token/create', { policies: ['app'], ttl: '1h', meta: { team: 'x' }, display_name: 'someone' }),
  step('create one with a use limit', 'POST', 'auth/token/create', { policies: 'default', ttl: 600, num_uses: 3 }),
  step('create a periodic one', 'POST', 'auth/token/create', { policies: ['default'], period: '24h' }),
  step('create an orphan', 'POST', 'auth/token/create-orphan', { policies: ['default'], no_default_policy: true }),
  step('create a root token', 'POST', 'auth/token/create', { policies: ['root'] }),
  step('create beyond the maximum', 'POST', 'auth/token/create', { policies: ['default'], ttl: '10000h' }),
  step('create with a TTL that is none', 'POST', 'auth/token/create', { ttl: 'x' }),
  step('create with root and another', 'POST', 'auth/token/create', { policies: ['root', 'app'] }),
  step('look a token up', 'POST', 'auth/token/lookup', tokenOf('create a token')),
  step('look a periodic token up', 'POST', 'auth/token/lookup', tokenOf('create a periodic one')),
  step('look an accessor up', 'POST', 'auth/token/lookup-accessor', accessorOf('create a token')),
  step('look an unknown accessor up', 'POST', 'auth/token/lookup-accessor', { accessor: 'nothing' }),
  step('look an unknown token up', 'POST', 'auth/token/lookup', { token: 's.nothing' }),
  step('look itself up', 'GET', 'auth/token/lookup-self', undefined, { as: 'create a token' }),
  step('renew itself', 'PUT', 'auth/token/renew-self', { increment: 60 }, { as: 'create a token' }),
  step('renew a token', 'POST', 'auth/token/renew', tokenOf('create a token')),
  step('renew by accessor', 'POST', 'auth/token/renew-accessor', accessorOf('create a token')),
  step('renew a periodic token', 'POST', 'auth/token/renew', tokenOf('create a periodic one')),
  step('renew the root token', 'PUT', 'auth/token/renew-self', {}),
  step('renew an unknown token', 'POST', 'auth/token/renew', { token: 's.nothing' }),
  step('look a renewed token up', 'POST', 'auth/token/lookup', tokenOf('create a token')),
  step('list accessors', 'LIST', 'auth/token/accessors'),
  step('capabilities of a token', 'POST', 'sys/capabilities', (seen: Seen) => ({
    ...tokenOf('create a token')(seen),
    paths: ['database/creds/app']
  })),
  step(
    'capabilities on two paths',
    'POST',
    'sys/capabilities-self',
    { paths: ['database/creds/app', 'sys/mounts'] },
    { as: 'create a token' }
  ),
  step('capabilities by accessor', 'POST', 'sys/capabilities-accessor', (seen: Seen) => ({
    ...accessorOf('create a token')(seen),
    path: 'x'
  })),
  step('capabilities of an unknown token', 'POST', 'sys/capabilities', { token: 's.nothing', paths: ['x'] }),
  step('capabilities of an unknown accessor', 'POST', 'sys/capabilities-accessor', { accessor: 'nothing', paths: ['x'] }),
  step('capabilities on no path', 'POST', 'sys/capabilities-self', {}),
  step('what a caller may reach', 'GET', 'sys/internal/ui/resultant-acl', undefined, { as: 'create a token' }),
  step('revoke by accessor', 'POST', 'auth/token/revoke-accessor', accessorOf('create a periodic one')),
  step('revoke an unknown accessor', 'POST', 'auth/token/revoke-accessor', { accessor: 'nothing' }),
  step('revoke an unknown token', 'POST', 'auth/token/revoke', { token: 's.nothing' }),
  step('revoke and orphan', 'POST', 'auth/token/revoke-orphan', tokenOf('create an orphan')),
  step('revoke and orphan what is unknown', 'POST', 'auth/token/revoke-orphan', { token: 's.nothing' }),
  step('revoke nothing', 'POST', 'auth/token/revoke', {}),
  step('tidy tokens', 'POST', 'auth/token/tidy', {})
]

const passwordPolicy = 'length = 20\nrule "charset" {\n  charset   = "abcdefghijklmnopqrstuvwxyz"\n  min-chars = 1\n}\n'

const passwordPolicies: readonly Step[] = [
  step('write a password policy', 'PUT', 'sys/policies/password/letters', { policy: passwordPolicy }),
  step('write one in base64', 'PUT', 'sys/policies/password/Base64', { policy: Buffer.from(passwordPolicy).toString('base64') }),
  step('write one in JSON', 'POST', 'sys/policies/password/json', {
    policy: '{"length": 30, "rule": [{"charset": {"charset": "abcxyz0189"}}]}'
  }),
  step('read the password policy', 'GET', 'sys/policies/password/letters', undefined, { values: ['data.policy'] }),
  step('read the one in base64', 'GET', 'sys/policies/password/Base64', undefined, { values: ['data.policy'] }),
  step('generate a password', 'GET', 'sys/policies/password/letters/generate'),
  step('list password policies', 'GET', 'sys/policies/password?list=true', undefined, { values: ['data.keys'] }),
  step('write one without a text', 'PUT', 'sys/policies/password/none', {}),
  step('write one that is none', 'PUT', 'sys/policies/password/none', { policy: 'length = ' }),
  step('write one that is too short', 'PUT', 'sys/policies/password/none', { policy: passwordPolicy.replace('20', '3') }),
  step('write one that cannot be met', 'PUT', 'sys/policies/password/none', {
    policy: passwordPolicy.replace('min-chars = 1', 'min-chars = 21')
  }),
  step('read a password policy that is not there', 'GET', 'sys/policies/password/none'),
  step('generate by one that is not there', 'GET', 'sys/policies/password/none/generate'),
  step('delete a password policy', 'DELETE', 'sys/policies/password/letters'),
  step('delete it again', 'DELETE', 'sys/policies/password/letters')
]

const policies: readonly Step[] = [
  step('write a policy', 'PUT', 'sys/policies/acl/app', { policy: appPolicy }),
  step('write a policy with capitals', 'PUT', 'sys/policies/acl/Capitals', { policy: appPolicy }),
  step('read a policy', 'GET', 'sys/policies/acl/app'),
  step('read a policy by the old route', 'GET', 'sys/policy/app'),
  step('write a policy by the old route', 'PUT', 'sys/policy/old', { policy: appPolicy }),
  step('write rules by the old route', 'PUT', 'sys/policy/old', { rules: appPolicy }),
  step('write a policy with a slash in its name', 'PUT', 'sys/policies/acl/team/shop', { policy: appPolicy }),
  step('read that policy', 'GET', 'sys/policies/acl/team/shop', undefined, { values: ['data.name', 'data.policy'] }),
  step('read that policy by the old route', 'GET', 'sys/policy/team/shop', undefined, { values: ['data.name', 'data.rules'] }),
  step('read a part of its name', 'GET', 'sys/policies/acl/team'),
  step('list policies', 'LIST', 'sys/policies/acl'),
  step('list policies by the old route', 'GET', 'sys/policy'),
  step('list policies by verb and the old route', 'LIST', 'sys/policy'),
  step('read a policy that is not there', 'GET', 'sys/policies/acl/nothing'),
  step('read the root policy', 'GET', 'sys/policies/acl/root'),
  step('write the root policy', 'PUT', 'sys/policies/acl/root', { policy: appPolicy }),
  step('write an empty policy', 'PUT', 'sys/policies/acl/empty', {}),
  step('write a policy that is none', 'PUT', 'sys/policies/acl/none', { policy: 'path "x" { capabilities = ["fly"] }' }),
  step('delete a policy', 'DELETE', 'sys/policies/acl/capitals'),
  step('delete a policy with a slash in its name', 'DELETE', 'sys/policies/acl/team/shop'),
  step('delete a policy by the old route', 'DELETE', 'sys/policy/old'),
  step('delete a policy that is not there', 'DELETE', 'sys/policies/acl/nothing'),
  step('delete the default policy', 'DELETE', 'sys/policies/acl/default')
]

const refusals: readonly Step[] = [
  step('nobody asks', 'GET', 'sys/mounts', undefined, { as: '' }),
  step('nobody asks for what is not there', 'GET', 'nothing/here', undefined, { as: '' }),
  step('a policy denies', 'GET', 'sys/mounts', undefined, { as: 'create a token' }),
  step('a policy denies a lease', 'PUT', 'sys/leases/revoke-prefix/database', {}, { as: 'create a token' }),
  step('a child may not do more', 'POST', 'auth/token/create', { policies: ['root'] }, { as: 'create a token' }),
  step('no such route', 'GET', 'nothing/here'),
  step('no such system route', 'GET', 'sys/nothing'),
  step('an old system route', 'PUT', 'sys/renew', { lease_id: 'x' }),
  step('a method of another path', 'DELETE', 'sys/capabilities-self'),
  step('patch in a type that nobody knows', 'PATCH', 'sys/policies/acl/app', {}),
  step('write to a folder', 'POST', 'sys/policies/acl/', { policy: appPolicy }),
  step('a body that is a list', 'POST', 'auth/token/create', ['x']),
  step('fields that nobody knows', 'POST', 'auth/token/create', { policies: ['default'], zebra: 1, ant: 2 }),
  step('fields that nobody knows, without a body in the reply', 'PUT', 'sys/policies/acl/app', { policy: appPolicy, zebra: 1 })
]

const endings: readonly Step[] = [
  step('hash a value', 'POST', 'sys/tools/hash', { input: 'eA==' }),
  step('random bytes', 'POST', 'sys/tools/random/8', {}),
  step('list audit devices', 'GET', 'sys/audit'),
  step('disable an audit device that is not there', 'DELETE', 'sys/audit/nothing'),
  step('hash with an audit device that is not there', 'POST', 'sys/audit-hash/nothing', { input: 'x' }),
  step('issue to a token', 'GET', 'database/creds/app', undefined, { as: 'create a token' }),
  step('look its own lease up', 'PUT', 'sys/leases/lookup', leaseOf('issue to a token'), { as: 'create a token' }),
  step('revoke the token', 'POST', 'auth/token/revoke', tokenOf('create a token')),
  step('ask with a revoked token', 'GET', 'auth/token/lookup-self', undefined, { as: 'create a token' }),
  step('end all of a mount', 'PUT', 'sys/leases/revoke-prefix/database', {}),
  step('delete a role', 'DELETE', 'database/roles/app'),
  step('delete a role again', 'DELETE', 'database/roles/app'),
  step('delete a connection', 'DELETE', 'database/config/app'),
  step('disable the mount', 'DELETE', 'sys/mounts/database'),
  step('disable it again', 'DELETE', 'sys/mounts/database'),
  step('read from a disabled mount', 'GET', 'database/roles/app')
]

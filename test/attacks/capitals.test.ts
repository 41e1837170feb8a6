/** Names that mean the same in capitals: a rule for one spelling is a rule for all. */
import { expect, test } from 'vitest'
import { approleStand } from '../auth/approle-stand.ts'
import type { AppRoleStand } from '../auth/approle-stand.ts'
import { text } from '../sys/open-broker.ts'

const all = '["create", "read", "update", "delete", "list"]'

async function tokenFor(stand: AppRoleStand, policy: string): Promise<string> {
  await stand.ask('write', 'sys/policies/acl/ops', { policy })
  return text((await stand.ask('write', 'auth/token/create', { policies: ['ops'] })).auth?.client_token)
}

test('capitals are no way round a rule that keeps one role or one policy from who may change all others', async () => {
  await using stand = await approleStand()
  await stand.role('admin', { token_policies: 'boss' })
  await stand.role('shop')
  const token = await tokenFor(
    stand,
    `path "auth/approle/role/*" { capabilities = ${all} }
     path "auth/approle/role/admin*" { capabilities = ["deny"] }
     path "sys/policies/acl/*" { capabilities = ${all} }
     path "sys/policies/acl/boss" { capabilities = ["read"] }
     path "sys/policy/*" { capabilities = ${all} }
     path "sys/policy/boss" { capabilities = ["read"] }`
  )
  const policy = 'path "*" { capabilities = ["read"] }'
  for (const [operation, path, data] of [
    ['write', 'auth/approle/role/ADMIN/secret-id', {}],
    ['list', 'auth/approle/role/Admin/secret-id', {}],
    ['write', 'auth/approle/role/aDMIN', { token_policies: 'mine' }],
    ['read', 'auth/approle/role/ADMIN/role-id', {}],
    ['delete', 'auth/approle/role/ADMIN', {}],
    ['write', 'sys/policies/acl/BOSS', { policy }],
    ['delete', 'sys/policies/acl/Boss', {}],
    ['write', 'sys/policy/BOSS', { policy }]
  ] as const)
    expect(await stand.ask(operation, path, data, { token }), path).toMatchObject({ status: 403 })
  expect(await stand.ask('write', 'auth/approle/role/SHOP/secret-id', {}, { token })).toMatchObject({ status: 200 })
  expect(await stand.ask('read', 'sys/policies/acl/BOSS', {}, { token })).toMatchObject({ status: 404 })
})

test('nor is the lower case round a rule that is written in capitals', async () => {
  await using stand = await approleStand()
  await stand.role('admin', { token_policies: 'boss' })
  const token = await tokenFor(
    stand,
    `path "auth/approle/role/*" { capabilities = ${all} }
     path "auth/approle/role/Admin*" { capabilities = ["deny"] }
     path "sys/policies/acl/*" { capabilities = ${all} }
     path "sys/policies/acl/Boss" { capabilities = ["read"] }`
  )
  for (const name of ['Admin', 'admin', 'ADMIN'])
    expect(await stand.ask('write', `auth/approle/role/${name}/secret-id`, {}, { token }), name).toMatchObject({ status: 403 })
  for (const name of ['Boss', 'boss', 'BOSS'])
    expect(await stand.ask('delete', `sys/policies/acl/${name}`, {}, { token }), name).toMatchObject({ status: 403 })
  expect(await stand.ask('read', 'sys/policies/acl/boss', {}, { token })).toMatchObject({ status: 404 })
})

test('a rule that is itself written in capitals goes on giving what it says', async () => {
  await using stand = await approleStand()
  await stand.role('shop')
  const token = await tokenFor(stand, `path "auth/approle/role/Shop/secret-id" { capabilities = ["update"] }`)
  expect(await stand.ask('write', 'auth/approle/role/Shop/secret-id', {}, { token })).toMatchObject({ status: 200 })
  expect(await stand.ask('write', 'auth/approle/role/shop/secret-id', {}, { token })).toMatchObject({ status: 403 })
})

/** Names of the caller in a role's principals: what a login says of a person, and never what it does not. */
import { expect, test } from 'vitest'
import { filledTemplate } from '../../../plugins/ssh/sign/template.ts'
import { dataOf } from '../../broker/small-broker.ts'
import type { SmallBroker } from '../../broker/small-broker.ts'
import { sign, sshBroker, userRole } from './mount.ts'

interface Person {
  readonly token: string
  /** Of the mount where it logged in. */
  readonly accessor: string
}

async function person(broker: SmallBroker, metadata: Readonly<Record<string, string>>): Promise<Person> {
  await broker.ask('write', 'sys/auth/people', { type: 'approle' })
  await broker.ask('write', 'sys/policies/acl/signer', { policy: 'path "ssh/*" { capabilities = ["read", "update"] }' })
  await broker.ask('write', 'auth/people/role/app', { token_policies: 'signer' })
  const { role_id } = dataOf(await broker.ask('read', 'auth/people/role/app/role-id'))
  const { secret_id } = dataOf(await broker.ask('write', 'auth/people/role/app/secret-id', { metadata }))
  const { client_token: token } = (
    await broker.ask('write', 'auth/people/login', { role_id: role_id!, secret_id: secret_id! }, '')
  ).auth!.reveal()
  const mounts = dataOf(await broker.ask('read', 'sys/auth')) as Readonly<Record<string, { readonly accessor: string }>>
  return { token, accessor: mounts['people/']!.accessor }
}

async function templated(broker: SmallBroker, allowed_users: string, more: object = {}) {
  const reply = await broker.ask('write', 'ssh/roles/it', { ...userRole, allowed_users, allowed_users_template: true, ...more })
  return reply.warnings
}

test('what the login said, by the name of the mount where it was', async () => {
  await using broker = await sshBroker()
  const { token, accessor } = await person(broker, { login: 'carol' })
  const name = `{{identity.entity.aliases.${accessor}.metadata.login}}`
  expect(
    await templated(broker, `${name},{{token.metadata.role_name}}-ops`, { default_user: name, default_user_template: true })
  ).toBeUndefined()
  expect((await sign(broker, {}, 'it', token)).certificate.principals).toEqual(['carol'])
  expect((await sign(broker, { valid_principals: 'app-ops' }, 'it', token)).certificate.principals).toEqual(['app-ops'])
})

test('of another mount it knows nothing, nor for a token that another has made', async () => {
  await using broker = await sshBroker()
  const { token, accessor } = await person(broker, { login: 'carol' })
  await templated(broker, '{{identity.entity.aliases.auth_approle_1234.metadata.login}}')
  await expect(sign(broker, { valid_principals: 'carol' }, 'it', token)).rejects.toThrow('could not be rendered -> alias not found')
  await templated(broker, `{{identity.entity.aliases.${accessor}.metadata.login}}`)
  await broker.ask('write', 'sys/policies/acl/signer', { policy: 'path "*" { capabilities = ["read", "update", "sudo"] }' })
  const made = (await broker.ask('write', 'auth/token/create', { meta: { login: 'root' } }, token)).auth!.reveal().client_token
  await expect(sign(broker, { valid_principals: 'root' }, 'it', made)).rejects.toThrow('could not be rendered -> alias not found')
})

test('a name that cannot be filled in takes nothing from those beside it', async () => {
  await using broker = await sshBroker()
  await templated(broker, '{{identity.entity.id}},deploy', { default_user: 'deploy' })
  expect((await sign(broker, {}, 'it')).certificate.principals).toEqual(['deploy'])
  await expect(sign(broker, { valid_principals: 'alice' }, 'it')).rejects.toThrow('could not be rendered -> no entity found')
})

test('what is never known of a person is refused as the role is written, and so is what nothing has as its name', async () => {
  await using broker = await sshBroker()
  const never = [
    'identity.entity.name',
    'identity.entity.metadata.login',
    'identity.entity.aliases.auth_approle_1234.name',
    'identity.entity.aliases.auth_approle_1234.id',
    'identity.entity.aliases.auth_approle_1234.custom_metadata.login',
    'identity.groups.names.ops.id',
    'identity.groups.ids.1234.name'
  ]
  for (const reference of never)
    await expect(templated(broker, `deploy,{{${reference}}}`)).rejects.toThrow(
      `allowed_users: {{${reference}}}: this broker keeps no such thing of a person: what a login says of a person is {{identity.entity.aliases.`
    )
  await expect(templated(broker, '{{identity.entty.id}}')).rejects.toThrow('allowed_users: {{identity.entty.id}}: nothing has this name')
  await expect(templated(broker, '{{identity.entity.id}')).rejects.toThrow('allowed_users: braces do not match')
  const extension = { default_extensions: { 'login@example.com': '{{identity.entity.name}}' }, default_extensions_template: true }
  await expect(templated(broker, 'alice', extension)).rejects.toThrow('default_extensions: {{identity.entity.name}}: this broker keeps')
  // Nothing of it was kept.
  await expect(broker.ask('read', 'ssh/roles/it')).rejects.toThrow()
})

test('a role that was kept with such a name signs for nobody by it', async () => {
  const caller = { displayName: 'carol', accessor: 'a', entity: 'e', metadata: {}, authAccessor: 'auth_approle_1234' }
  const cases = {
    'identity.entity.name': 'no value could be found for one of the template directives',
    'identity.entity.aliases.auth_approle_1234.name': 'no value could be found for one of the template directives',
    'identity.groups.names.ops.id': 'string contains groups template directives but no groups were provided'
  }
  for (const [reference, says] of Object.entries(cases))
    expect(() => filledTemplate(`{{${reference}}}`, caller)).toThrow(`could not be rendered -> ${says}`)
})

test('a command with braces of its own is left as it is', async () => {
  await using broker = await sshBroker()
  const command = "docker inspect -f '{{.State.Status}}' shop"
  await templated(broker, 'alice', { default_critical_options: { 'force-command': command } })
  expect([...(await sign(broker, {}, 'it')).certificate.criticalOptions]).toEqual([['force-command', command]])
})

test('an extension that names a person is left out for a token that is nobody, and refused where the name is missing', async () => {
  await using broker = await sshBroker()
  const { token, accessor } = await person(broker, { login: 'carol' })
  const login = `{{identity.entity.aliases.${accessor}.metadata.login}}`
  const extended = (value: string) =>
    templated(broker, 'alice', { default_extensions: { 'permit-pty': '', 'login@example.com': value }, default_extensions_template: true })
  await extended(login)
  expect([...(await sign(broker, {}, 'it', token)).certificate.extensions]).toEqual([
    ['login@example.com', 'carol'],
    ['permit-pty', '']
  ])
  const { certificate, warnings } = await sign(broker, {}, 'it')
  expect([[...certificate.extensions.keys()], warnings]).toEqual([
    ['permit-pty'],
    expect.arrayContaining([expect.stringContaining('this request lacked identity entity information')])
  ])
  await extended('{{token.metadata.team}}')
  await expect(sign(broker, {}, 'it', token)).rejects.toThrow('could not be rendered -> the login has no metadata team')
})

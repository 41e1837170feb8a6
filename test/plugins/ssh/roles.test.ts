/** What roles say, and what of it a certificate then says. */
import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { publicPart } from '../../../plugins/ssh/format/key-object.ts'
import { writeKeyLine } from '../../../plugins/ssh/format/key-line.ts'
import { parsePrivateKey } from '../../../plugins/ssh/format/private-key.ts'
import { dataOf } from '../../broker/small-broker.ts'
import { parseCertificateLine } from '../../../plugins/ssh/format/parse-certificate.ts'
import { newKeyLine, sign, sshBroker, userRole } from './mount.ts'

test('a role is read back field by field, as it was written or as it is without', async () => {
  await using broker = await sshBroker()
  await broker.ask('write', 'ssh/roles/full', {
    ...userRole,
    default_extensions: [{ 'permit-pty': '' }, { 'permit-user-rc': '' }],
    allowed_user_key_lengths: { rsa: 4_096, ec: [256, 384] },
    allowed_users: ['alice', 'deploy'],
    key_type: 'CA'
  })
  expect(dataOf(await broker.ask('read', 'ssh/roles/full'))).toEqual({
    key_type: 'ca',
    allow_user_certificates: true,
    allow_host_certificates: false,
    default_user: 'alice',
    default_user_template: false,
    allowed_users: 'alice,deploy',
    allowed_users_template: false,
    allowed_domains: '',
    allowed_domains_template: false,
    allow_bare_domains: false,
    allow_subdomains: false,
    allow_user_key_ids: false,
    key_id_format: '',
    allowed_critical_options: '',
    allowed_extensions: 'permit-pty,permit-port-forwarding',
    default_critical_options: {},
    default_extensions: { 'permit-pty': '', 'permit-user-rc': '' },
    default_extensions_template: false,
    allowed_user_key_lengths: { rsa: [4_096], ec: [256, 384] },
    algorithm_signer: 'default',
    ttl: 600,
    max_ttl: 3_600,
    not_before_duration: 30,
    allow_empty_principals: false,
    allow_commas_in_identity_templates: false,
    issuer_ref: 'default'
  })
})

test('a write replaces the whole role', async () => {
  await using broker = await sshBroker()
  await broker.ask('write', 'ssh/roles/app', { key_type: 'ca', allow_user_certificates: true })
  expect(dataOf(await broker.ask('read', 'ssh/roles/app'))).toMatchObject({ allowed_users: '', default_extensions: {}, ttl: 0 })
})

test('roles are listed, deleted, and missing ones are not there', async () => {
  await using broker = await sshBroker()
  await broker.ask('write', 'ssh/roles/otp', { key_type: 'otp', default_user: 'ubuntu', cidr_list: '10.0.0.0/8' })
  expect(dataOf(await broker.ask('list', 'ssh/roles'))).toEqual({
    keys: ['app', 'otp'],
    key_info: { app: { key_type: 'ca', issuer_ref: 'default' }, otp: { key_type: 'otp' } }
  })
  expect(dataOf(await broker.ask('read', 'ssh/roles/otp'))).toEqual({
    allowed_users: '',
    cidr_list: '10.0.0.0/8',
    default_user: 'ubuntu',
    exclude_cidr_list: '',
    key_type: 'otp',
    port: 22
  })
  expect(await broker.ask('delete', 'ssh/roles/app')).toMatchObject({ status: 204 })
  await expect(broker.ask('read', 'ssh/roles/app')).rejects.toMatchObject({ code: 'nothing_there' })
})

test.each([
  [{}, 'missing key type'],
  [{ key_type: 'x' }, 'invalid key type'],
  [{ key_type: 'dynamic' }, 'dynamic key type roles are no longer supported'],
  [{ key_type: 'otp' }, 'missing default user'],
  [{ key_type: 'otp', default_user: 'u', cidr_list: '10.0.0.0' }, 'failed to validate cidr_list'],
  [{ key_type: 'ca' }, "Either 'allow_user_certificates' or 'allow_host_certificates' must be set to 'true'"],
  [{ ...userRole, ttl: '2h' }, '"ttl" value must be less than "max_ttl" when both are specified'],
  [{ ...userRole, allowed_user_key_lengths: { x: 1 } }, 'error processing allowed_user_key_lengths: '],
  [{ ...userRole, algorithm_signer: 'md5' }, 'unknown algorithm signer "md5"'],
  [{ ...userRole, not_before_duration: '1h' }, 'not_before_duration: at most 300 seconds'],
  [{ ...userRole, key_id_format: '{{nothing}}' }, 'key_id_format: unknown variable {{nothing}}'],
  [{ ...userRole, default_user: '{{identity.entity.id}}' }, 'default_user: names stand in braces, and default_user_template is not set'],
  [{ ...userRole, allowed_users: 'alice,{{token.display_name}}' }, 'allowed_users: names stand in braces, and allowed_users_template'],
  [
    { ...userRole, default_extensions: { 'login@example.com': '{{ token.display_name }}' } },
    'default_extensions: names stand in braces, and default_extensions_template is not set'
  ],
  [
    { ...userRole, default_critical_options: { 'force-command': 'echo {{identity.entity.id}}' } },
    'default_critical_options: nothing is filled in there'
  ]
])('%j is no role', async (fields, message) => {
  await using broker = await sshBroker()
  await expect(broker.ask('write', 'ssh/roles/it', fields)).rejects.toThrow(message)
  await expect(broker.ask('read', 'ssh/roles/it')).rejects.toMatchObject({ code: 'nothing_there' })
})

test.each(['-a', 'a-', '.a', 'a b'])('%j is no name of a role', async name => {
  await using broker = await sshBroker()
  await expect(broker.ask('write', `ssh/roles/${name}`, userRole)).rejects.toThrow('name: ')
})

test('what will not be done is told, and read back as it was written', async () => {
  await using broker = await sshBroker()
  const { warnings } = await broker.ask('write', 'ssh/roles/old', {
    ...userRole,
    algorithm_signer: 'ssh-rsa',
    allow_empty_principals: true
  })
  expect(warnings).toHaveLength(2)
  expect(dataOf(await broker.ask('read', 'ssh/roles/old'))).toMatchObject({ algorithm_signer: 'ssh-rsa', allow_empty_principals: true })
})

test('options that are asked for take the place of the defaults', async () => {
  await using broker = await sshBroker()
  await broker.ask('write', 'ssh/roles/it', {
    ...userRole,
    allowed_critical_options: 'source-address, force-command',
    default_critical_options: { 'force-command': 'id' }
  })
  expect((await sign(broker, {}, 'it')).certificate).toMatchObject({
    criticalOptions: new Map([['force-command', 'id']]),
    extensions: new Map([['permit-pty', '']])
  })
  const asked = { critical_options: { 'source-address': '10.0.0.0/8,192.0.2.7' }, extensions: [{ 'permit-port-forwarding': '' }] }
  expect((await sign(broker, asked, 'it')).certificate).toMatchObject({
    criticalOptions: new Map([['source-address', '10.0.0.0/8,192.0.2.7']]),
    extensions: new Map([['permit-port-forwarding', '']])
  })
})

test('an empty list of principals is none that was asked for', async () => {
  await using broker = await sshBroker()
  expect((await sign(broker, { valid_principals: '' })).certificate.principals).toEqual(['alice'])
  expect((await sign(broker, { valid_principals: ' deploy, alice,alice ' })).certificate.principals).toEqual(['alice', 'deploy'])
})

test('the key id is by the format of the role, or as asked for where that is allowed', async () => {
  await using broker = await sshBroker()
  await broker.ask('write', 'ssh/roles/it', {
    ...userRole,
    key_id_format: '{{role_name}}/{{ requester }}/{{serial}} #1',
    allow_user_key_ids: true
  })
  expect((await sign(broker, {}, 'it')).certificate.keyId).toBe('it/root/1__1')
  expect((await sign(broker, { key_id: 'ticket-42' }, 'it')).certificate.keyId).toBe('ticket-42')
})

test('a name of the caller in a template is one name, or none', async () => {
  await using broker = await sshBroker()
  const token = async (display_name: string) =>
    (await broker.ask('write', 'auth/token/create', { policies: ['root'], display_name })).auth!.reveal().client_token
  await broker.ask('write', 'ssh/roles/it', {
    ...userRole,
    default_user: '{{token.display_name}}',
    default_user_template: true,
    allowed_users: '{{token.display_name}},shared',
    allowed_users_template: true
  })
  expect((await sign(broker, {}, 'it', await token('carol'))).certificate.principals).toEqual(['token-carol'])
  await expect(sign(broker, { valid_principals: 'token-carol' }, 'it', await token('dave'))).rejects.toThrow(
    'token-carol is not a valid value'
  )
})

test('the time is the one asked for, that of the role, or that of the mount, and never above the cap', async () => {
  await using broker = await sshBroker()
  expect((await sign(broker, { ttl: '30m' })).seconds).toBe(1_800)
  await broker.ask('write', 'ssh/roles/it', { ...userRole, ttl: 0, max_ttl: 0 })
  expect((await sign(broker, {}, 'it')).seconds).toBe(3_600)
  await broker.ask('write', 'sys/mounts/ssh/tune', { default_lease_ttl: '2h', max_lease_ttl: '3h' })
  expect((await sign(broker, {}, 'it')).seconds).toBe(7_200)
  await broker.ask('write', 'ssh/roles/it', { ...userRole, ttl: '5h', max_ttl: '5h' })
  expect((await sign(broker, {}, 'it')).seconds).toBe(10_800)
  await expect(sign(broker, { ttl: '4h' }, 'it')).rejects.toThrow('ttl is larger than maximum allowed 10800')
})

test('an RSA CA signs with SHA-2, whatever the role says', async () => {
  await using broker = await sshBroker()
  await broker.ask('write', 'ssh/config/ca', { key_type: 'rsa', key_bits: 3_072 })
  const algorithmOf = async (algorithm_signer: string) => {
    await broker.ask('write', 'ssh/roles/it', { ...userRole, algorithm_signer })
    const { signature } = (await sign(broker, {}, 'it')).certificate
    return signature.subarray(4, 4 + signature.readUInt32BE()).toString()
  }
  expect(await algorithmOf('default')).toBe('rsa-sha2-512')
  expect(await algorithmOf('rsa-sha2-256')).toBe('rsa-sha2-256')
  expect(await algorithmOf('ssh-rsa')).toBe('rsa-sha2-512')
})

test('every type of key that is in use is signed', async () => {
  await using broker = await sshBroker()
  for (const pair of [
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    generateKeyPairSync('ec', { namedCurve: 'P-521' }),
    generateKeyPairSync('rsa', { modulusLength: 3_072 }),
    generateKeyPairSync('ed25519')
  ]) {
    const line = writeKeyLine(publicPart(pair.publicKey), 'somebody@somewhere')
    expect(writeKeyLine((await sign(broker, { public_key: `${line}\n` })).certificate.key)).toBe(writeKeyLine(publicPart(pair.publicKey)))
  }
})

test.each([
  ['ed25519', 0, /^-----BEGIN OPENSSH PRIVATE KEY-----/],
  ['ec', 384, /^-----BEGIN EC PRIVATE KEY-----/],
  ['rsa', 3_072, /^-----BEGIN RSA PRIVATE KEY-----/]
])('a key pair is made with its certificate: %s', async (key_type, key_bits, begins) => {
  await using broker = await sshBroker()
  const reply = await broker.ask('write', 'ssh/issue/app', { key_type, key_bits })
  const { private_key: privateKey, private_key_type: type, signed_key: signed } = dataOf(reply)
  expect(type).toBe(key_type)
  expect(privateKey).toMatch(begins)
  expect(writeKeyLine(publicPart(parsePrivateKey(privateKey)))).toBe(writeKeyLine(parseCertificateLine(signed).key))
  expect(reply.lease!.id).toMatch(/^ssh\/issue\/app\//)
})

test('a role that lists lengths is held to them when a key pair is made', async () => {
  await using broker = await sshBroker()
  await broker.ask('write', 'ssh/roles/it', { ...userRole, allowed_user_key_lengths: { rsa: [0, 3_072], ed25519: 0 } })
  await expect(broker.ask('write', 'ssh/issue/it', { key_type: 'ec' })).rejects.toThrow(
    'provided key_type value not in allowed_user_key_types'
  )
  await expect(broker.ask('write', 'ssh/issue/it', { key_bits: 4_096 })).rejects.toThrow(
    "provided key_bits value not in list of role's allowed_user_key_types"
  )
  await broker.ask('write', 'ssh/issue/it', {})
  // Each type has two names.
  await broker.ask('write', 'ssh/roles/it', { ...userRole, allowed_user_key_lengths: { 'ssh-rsa': 3_072, 'ssh-ed25519': 0, ecdsa: 384 } })
  const asked = [{ key_type: 'ec', key_bits: 384 }, { key_type: 'ed25519' }, { key_bits: 3_072 }]
  for (const fields of asked) await broker.ask('write', 'ssh/issue/it', fields)
  await expect(broker.ask('write', 'ssh/issue/it', { key_type: 'ec' })).rejects.toThrow('provided key_bits value not in list')
})

test('a lease of a role that says so outlives its token', async () => {
  await using broker = await sshBroker()
  await broker.ask('write', 'ssh/roles/it', { ...userRole, lease_outlives_token: true })
  const { client_token: token } = (await broker.ask('write', 'auth/token/create', { policies: ['root'] })).auth!.reveal()
  const { lease } = await sign(broker, { public_key: newKeyLine() }, 'it', token)
  await broker.ask('write', 'auth/token/revoke', { token })
  await broker.clock.advance('PT3S')
  expect(dataOf(await broker.ask('write', 'sys/leases/lookup', { lease_id: lease }))).toMatchObject({ id: lease })
})

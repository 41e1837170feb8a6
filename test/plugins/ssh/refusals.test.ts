/** What is not signed: each is a refusal with its sentence, in the trail, and no serial is taken. */
import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { publicPart } from '../../../plugins/ssh/format/key-object.ts'
import { writeKeyLine } from '../../../plugins/ssh/format/key-line.ts'
import type { JsonObject } from '../../../src/contracts/index.ts'
import { dataOf } from '../../broker/small-broker.ts'
import { newKeyLine, sign, sshBroker, userRole } from './mount.ts'

const key = newKeyLine()
const rsa = (modulusLength: number, publicExponent = 65_537) =>
  writeKeyLine(publicPart(generateKeyPairSync('rsa', { modulusLength, publicExponent }).publicKey))
const part = (bytes: Buffer) => Buffer.concat([Buffer.from(Uint32Array.of(bytes.length).buffer).swap32(), bytes])
const blob = (type: string, ...more: Buffer[]) => {
  return `${type} ${Buffer.concat([part(Buffer.from(type)), ...more.map(part)]).toString('base64')}`
}
const [type, base64] = key.split(' ') as [string, string]
const privateKey = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })
const hostRole = { key_type: 'ca', allow_host_certificates: true, allowed_domains: 'example.com', allow_subdomains: true }
const anyRole = {
  key_type: 'ca',
  allow_user_certificates: true,
  allowed_users: '*',
  allowed_critical_options: 'force-command,source-address,verify-required,x',
  allowed_extensions: '*'
}

interface Refused {
  readonly what: string
  readonly role?: JsonObject
  readonly fields?: JsonObject
  readonly says: string | RegExp
}

const keys: readonly Refused[] = [
  { what: 'no key', fields: { public_key: '' }, says: 'missing public_key' },
  {
    what: 'a certificate in the place of a key',
    fields: { public_key: blob('ssh-ed25519-cert-v01@openssh.com', Buffer.alloc(32)) },
    says: /certificate/
  },
  { what: 'a private key', fields: { public_key: privateKey }, says: /private key/ },
  { what: 'two keys', fields: { public_key: `${key}\n${newKeyLine()}` }, says: /one line/ },
  { what: 'options before the type', fields: { public_key: `command="id" ${key}` }, says: /options before|not accepted/ },
  { what: 'another type on the line', fields: { public_key: `ssh-rsa ${base64}` }, says: /the line says ssh-rsa/ },
  {
    what: 'trailing bytes',
    fields: { public_key: `${type} ${Buffer.concat([Buffer.from(base64, 'base64'), Buffer.of(0)]).toString('base64')}` },
    says: /too many/
  },
  { what: 'bad base64', fields: { public_key: `${type} ${base64.slice(0, -2)}!=` }, says: /base64/ },
  { what: 'DSA', fields: { public_key: blob('ssh-dss', Buffer.of(1)) }, says: /DSA/ },
  { what: 'an unknown type', fields: { public_key: blob('ssh-x', Buffer.of(1)) }, says: /unknown key type/ },
  { what: 'RSA of 1024 bits', fields: { public_key: rsa(1_024) }, says: /1024 bits is too weak/ },
  { what: 'RSA of 2048 bits without a role that lists it', fields: { public_key: rsa(2_048) }, says: /2048 bits is too weak/ },
  { what: 'RSA with exponent 3', fields: { public_key: rsa(3_072, 3) }, says: /exponent/ },
  {
    what: 'a type that the role does not list',
    role: { ...userRole, allowed_user_key_lengths: { ed25519: 0 } },
    fields: { public_key: rsa(3_072) },
    says: 'public_key failed to meet the key requirements: key of type rsa is not allowed'
  },
  {
    what: 'a size that the role does not list',
    role: { ...userRole, allowed_user_key_lengths: { rsa: [4_096] } },
    fields: { public_key: rsa(2_048) },
    says: 'public_key failed to meet the key requirements: key is of an invalid size: 2048'
  },
  { what: 'a plain key where FIDO is wanted', role: { ...userRole, require_fido: true }, says: /signs FIDO keys only/ },
  {
    what: 'verify-required for a key that cannot',
    role: anyRole,
    fields: { valid_principals: 'a', critical_options: { 'verify-required': '' } },
    says: /only a FIDO key/
  }
]

const principals: readonly Refused[] = [
  {
    what: 'none',
    role: { ...userRole, default_user: '' },
    says: 'refusing to issue unsafe, globally-valid certificate with no principals specified; set valid_principals or default_user'
  },
  { what: 'blanks alone', fields: { valid_principals: ' , ' }, says: 'refusing to issue unsafe' },
  {
    what: 'none, whatever the role says',
    role: { ...userRole, default_user: '', allow_empty_principals: true },
    says: 'refusing to issue unsafe'
  },
  { what: 'none under a role for everybody', role: anyRole, says: 'refusing to issue unsafe' },
  { what: 'a role that allows nobody', role: { ...userRole, allowed_users: '' }, says: 'role is not configured to allow any principals' },
  { what: 'another name', fields: { valid_principals: 'alice,bob' }, says: 'bob is not a valid value for valid_principals' },
  { what: 'another spelling', fields: { valid_principals: 'Alice' }, says: 'Alice is not a valid value for valid_principals' },
  {
    what: 'a default that is not allowed',
    role: { ...userRole, default_user: 'bob' },
    says: 'bob is not a valid value for valid_principals'
  },
  {
    what: '257',
    role: anyRole,
    fields: { valid_principals: Array.from({ length: 257 }, (_, i) => `u${i}`).join(',') },
    says: /257 principals/
  },
  ...['*', 'a b', 'a?', '!a', '-a', 'a\nb', 'a\0b', 'ä', 'a"b', 'x'.repeat(65), '{{identity.entity.name}}'].map(name => ({
    what: JSON.stringify(name),
    role: anyRole,
    fields: { valid_principals: name },
    says: /^valid_principals: /
  })),
  {
    what: 'a template without a person',
    role: { ...userRole, allowed_users: '{{identity.entity.id}}', allowed_users_template: true },
    says: "template '{{identity.entity.id}}' could not be rendered -> no entity found"
  },
  {
    what: 'a template of a default without a person',
    role: { ...anyRole, default_user: '{{identity.entity.id}}', default_user_template: true },
    says: /no entity found/
  }
]

const hosts: readonly Refused[] = [
  ...['*.example.com', 'WEB.example.com', 'web.example.com.', 'web.example.com:22', '.example.com', 'a..example.com'].map(name => ({
    what: `the host ${name}`,
    role: hostRole,
    fields: { cert_type: 'host', valid_principals: name },
    says: /^valid_principals: /
  })),
  {
    what: 'a host of another domain',
    role: hostRole,
    fields: { cert_type: 'host', valid_principals: 'web.example.org' },
    says: 'web.example.org is not a valid value for valid_principals'
  },
  {
    what: 'a name that only ends alike',
    role: hostRole,
    fields: { cert_type: 'host', valid_principals: 'webexample.com' },
    says: 'webexample.com is not a valid value'
  },
  {
    what: 'the domain itself',
    role: hostRole,
    fields: { cert_type: 'host', valid_principals: 'example.com' },
    says: 'example.com is not a valid value'
  },
  {
    what: 'a critical option',
    role: { ...hostRole, allowed_critical_options: 'force-command' },
    fields: { cert_type: 'host', valid_principals: 'a.example.com', critical_options: { 'force-command': 'id' } },
    says: /clients refuse a host certificate/
  }
]

const rest: readonly Refused[] = [
  { what: 'a key id that the role does not allow', fields: { key_id: 'me' }, says: 'setting key_id is not allowed by role' },
  ...['a\nb', '\u001b[31m', 'a#b', ' a', 'a ', 'ä', '-a', 'x'.repeat(256)].map(id => ({
    what: `the key id ${JSON.stringify(id.slice(0, 10))}`,
    role: { ...userRole, allow_user_key_ids: true },
    fields: { key_id: id },
    says: /^key_id: /
  })),
  { what: 'a host certificate of a role for users', fields: { cert_type: 'host' }, says: "cert_type 'host' is not allowed by role" },
  {
    what: 'a user certificate of a role for hosts',
    role: hostRole,
    fields: { valid_principals: 'a.example.com' },
    says: "cert_type 'user' is not allowed by role"
  },
  { what: 'another type', fields: { cert_type: 'x' }, says: "cert_type must be either 'user' or 'host'" },
  { what: 'a time above the cap of the role', fields: { ttl: '2h' }, says: 'ttl is larger than maximum allowed 3600' },
  {
    what: 'a time above the cap of the mount',
    role: { ...userRole, max_ttl: 0 },
    fields: { ttl: '1000h' },
    says: 'ttl is larger than maximum allowed 2764800'
  },
  { what: 'a negative time', fields: { ttl: '-1' }, says: /ttl/ },
  {
    what: 'a critical option that is not listed',
    fields: { critical_options: { 'force-command': 'id', 'source-address': '10.0.0.1' } },
    says: 'critical options not on allowed list: [force-command source-address]'
  },
  {
    what: 'extensions that are not listed',
    fields: { extensions: { 'permit-pty': '', 'permit-user-rc': '', 'permit-X11-forwarding': '' } },
    says: 'extensions [permit-X11-forwarding permit-user-rc] are not on allowed list'
  },
  ...[
    { critical_options: { x: '' } },
    { critical_options: { 'force-command': '' } },
    { critical_options: { 'force-command': 'a\nb' } },
    { critical_options: { 'force-command': 'a\0b' } },
    { critical_options: { 'verify-required': 'true' } },
    ...['10.0.0.1/8', '10.0.0.0/8, 10.1.0.0/16', 'localhost', '', '0.0.0.0/0', '::/0'].map(address => ({
      critical_options: { 'source-address': address }
    })),
    { extensions: { 'force-command': 'id' } },
    { extensions: { 'source-address': '10.0.0.1' } },
    { extensions: { 'permit-pty': true } },
    { extensions: { 'permit-pty': 'yes' } }
  ].map(fields => ({
    what: JSON.stringify(fields),
    role: anyRole,
    fields: { valid_principals: 'a', ...fields },
    says: /^(critical_options|extensions)\./
  })),
  { what: 'an issuer that is not there', role: { ...userRole, issuer_ref: 'nobody' }, says: 'unable to find issuer for reference: nobody' },
  {
    what: 'a certificate that would be too large',
    role: { ...anyRole, allow_user_key_ids: true },
    fields: { valid_principals: Array.from({ length: 256 }, (_, i) => `user${i}`.padEnd(60, 'x')).join(',') },
    says: /bytes/
  }
]

test.each([...keys, ...principals, ...hosts, ...rest])('$what', async ({ role = userRole, fields = {}, says }) => {
  await using broker = await sshBroker()
  await broker.ask('write', 'ssh/roles/it', role)
  await expect(sign(broker, { public_key: key, ...fields }, 'it')).rejects.toThrow(says)
  await expect(sign(broker, { public_key: key, ...fields }, 'it')).rejects.toMatchObject({ code: 'invalid_request' })
  expect(await broker.ask('list', 'sys/leases/lookup/ssh/sign').catch(() => 'none')).toBe('none')
})

test('an unknown role is told in the words of each path', async () => {
  await using broker = await sshBroker()
  await expect(sign(broker, {}, 'nobody')).rejects.toThrow('Unknown role: nobody')
  await expect(broker.ask('write', 'ssh/issue/nobody')).rejects.toThrow('unknown role: nobody')
})

test('the key of an issuer and that of a host are nobody to log in', async () => {
  await using broker = await sshBroker()
  const { public_key: ca } = dataOf(await broker.ask('read', 'ssh/config/ca'))
  await expect(sign(broker, { public_key: ca })).rejects.toThrow('public_key: this is the key of an issuer')
  await broker.ask('write', 'ssh/roles/host', { ...hostRole })
  await sign(broker, { public_key: key, cert_type: 'host', valid_principals: 'a.example.com' }, 'host')
  await expect(sign(broker, { public_key: key })).rejects.toThrow('public_key: this is the key of a host')
  await sign(broker, { public_key: key, cert_type: 'host', valid_principals: 'a.example.com' }, 'host')
})

test('root has to be named where the mount says so', async () => {
  await using broker = await sshBroker()
  await broker.ask('write', 'ssh/roles/any', anyRole)
  await broker.ask('write', 'ssh/roles/root', { ...anyRole, allowed_users: 'root' })
  await sign(broker, { valid_principals: 'root' }, 'any')
  await broker.ask('write', 'ssh/config/principals', { root_by_name_only: true })
  await expect(sign(broker, { valid_principals: 'a,root' }, 'any')).rejects.toThrow('root is not a valid value for valid_principals')
  await sign(broker, { valid_principals: 'root' }, 'root')
})

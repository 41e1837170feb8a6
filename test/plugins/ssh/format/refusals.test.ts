/** What is never signed, whatever a role allows. */
import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { parseAddress } from '../../../../plugins/ssh/format/address.ts'
import type { CertificateFields } from '../../../../plugins/ssh/format/certificate.ts'
import { publicPart } from '../../../../plugins/ssh/format/key-object.ts'
import { parseCertificate } from '../../../../plugins/ssh/format/parse-certificate.ts'
import { keyBlob } from '../../../../plugins/ssh/format/public-key.ts'
import { signCertificate } from '../../../../plugins/ssh/format/sign-certificate.ts'
import { signerOf } from '../../../../plugins/ssh/format/signer.ts'
import type { Signer } from '../../../../plugins/ssh/format/signer.ts'
import { WireWriter } from '../../../../plugins/ssh/format/wire-writer.ts'
import { fidoKeys, privateKeys } from './arbitraries.ts'

const real = signerOf(privateKeys.ed25519)
/** Refusals come before the signature: this one must never be asked. */
const untouched: Signer = {
  publicKey: real.publicKey,
  sign: () => Promise.reject(new Error('was asked to sign'))
}

const base: CertificateFields = {
  kind: 'user',
  nonce: new Uint8Array(32),
  key: publicPart(privateKeys.p256),
  serial: 1n,
  keyId: 'alice:deploy:1',
  principals: ['deploy'],
  validAfter: 1_000n,
  validBefore: 2_000n,
  criticalOptions: new Map(),
  extensions: new Map()
}
const host = { kind: 'host', principals: ['web1.example.com'] } as const
const critical = (name: string, value: string): Partial<CertificateFields> => ({ criticalOptions: new Map([[name, value]]) })
const extension = (name: string, value: string): Partial<CertificateFields> => ({ extensions: new Map([[name, value]]) })
const source = (value: string): Partial<CertificateFields> => critical('source-address', value)

test('what differs from this alone is what is refused below', async () => {
  for (const fields of [base, { ...base, ...host }]) await expect(signCertificate(fields, real)).resolves.toBeInstanceOf(Buffer)
})

describe('never signed: ', () => {
  test.each<[string, Partial<CertificateFields>, string]>([
    ['no principals', { principals: [] }, 'valid_principals: a certificate without principals is never signed'],
    ['257 principals', { principals: Array.from({ length: 257 }, (_, at) => `p${at}`) }, 'valid_principals: 257 principals, at most 256'],
    ['an empty principal', { principals: ['deploy', ''] }, 'valid_principals: "" is empty'],
    ['a comma in a principal', { principals: ['deploy,root'] }, 'valid_principals: "deploy,root" holds one of , * ? ! "'],
    ['a blank before a principal', { principals: [' root'] }, 'valid_principals: " root" holds blanks'],
    ['a newline in a principal', { principals: ['a\nroot'] }, 'valid_principals: "a\\nroot" holds blanks, control'],
    ['a NUL in a principal', { principals: ['root\0x'] }, 'valid_principals: "root\\u0000x" holds blanks, control'],
    ['a principal outside ASCII', { principals: ['rооt'] }, 'holds blanks, control characters or non-ASCII'],
    ['a star', { principals: ['*'] }, 'valid_principals: "*" holds one of'],
    ['a question mark', { principals: ['roo?'] }, 'holds one of'],
    ['a negation', { principals: ['!root'] }, 'holds one of'],
    ['a leading dash', { principals: ['-oProxyCommand'] }, 'begins with - or #'],
    ['a comment sign', { principals: ['#x'] }, 'begins with - or #'],
    ['a template that was not filled in', { principals: ['{{identity.entity.name}}'] }, 'is a template that was not filled in'],
    ['a long user name', { principals: ['a'.repeat(65)] }, 'is longer than 64 bytes'],
    ['a long host name', { ...host, principals: ['a.'.repeat(127)] }, 'is longer than 253 bytes'],
    ['a host in upper case', { ...host, principals: ['Web1.example.com'] }, 'must be in lower case'],
    ['a host with a trailing dot', { ...host, principals: ['web1.example.com.'] }, 'must not end with a dot'],
    ['a host with a port', { ...host, principals: ['web1.example.com:22'] }, 'a port does not belong here'],
    ['a bracketed host', { ...host, principals: ['[web1]:22'] }, 'a port does not belong here'],
    ['a wildcard host', { ...host, principals: ['*.example.com'] }, 'holds one of'],
    ['an empty label', { ...host, principals: ['web1..example.com'] }, 'is no host name'],
    ['an IPv6 address in a second spelling', { ...host, principals: ['2001:db8:0::1'] }, 'is no host name or address'],

    ['an empty key id', { keyId: '' }, 'key_id: must begin with a letter or a digit'],
    ['a key id that forges log lines', { keyId: 'a\nAccepted publickey for root' }, 'key_id: only printable ASCII'],
    ['a key id with an escape', { keyId: 'a\u001b[2J' }, 'key_id: only printable ASCII'],
    ['a key id with a NUL', { keyId: 'a\0' }, 'key_id: only printable ASCII'],
    ['a key id with a comment sign', { keyId: 'a#b' }, 'key_id: only printable ASCII without #'],
    ['a key id that is an option', { keyId: '-x' }, 'key_id: must begin with a letter or a digit'],
    ['a key id that begins with a blank', { keyId: ' a' }, 'key_id: must begin'],
    ['a key id that ends with a blank', { keyId: 'a ' }, 'key_id: must not end with a blank'],
    ['a long key id', { keyId: 'a'.repeat(256) }, 'key_id: longer than 255 bytes'],

    ['serial 0', { serial: 0n }, 'serial: must be from 1'],
    ['a serial that no database holds', { serial: 2n ** 63n }, 'serial: must be from 1'],
    ['no time', { validAfter: 5n, validBefore: 5n }, 'validity: must end after it begins'],
    ['for ever', { validBefore: 2n ** 64n - 1n }, 'validity: ends too late'],
    ['2^53 seconds', { validBefore: 2n ** 53n }, 'validity: ends too late'],
    ['a time before 1970', { validAfter: -1n }, 'validity: must end after'],

    ['an unknown critical option', critical('no-such', ''), 'critical_options.no-such: sshd does not know it'],
    ['an extension among the critical options', critical('permit-pty', ''), 'critical_options.permit-pty: this is an extension'],
    ['force-command among the extensions', extension('force-command', 'id'), 'extensions.force-command: this is a critical option'],
    ['source-address among the extensions', extension('source-address', '::1'), 'extensions.source-address: this is a critical option'],
    ['verify-required among the extensions', extension('verify-required', ''), 'extensions.verify-required: this is a critical option'],
    ['a value on a flag', extension('permit-pty', 'true'), 'extensions.permit-pty: this is a flag: its value must be empty'],
    [
      'verify-required with a value',
      { key: fidoKeys[0]!, ...critical('verify-required', 'true') },
      'critical_options.verify-required: this is a flag'
    ],
    [
      'verify-required for a key without PIN',
      critical('verify-required', ''),
      'only a FIDO key can be verified, this is ecdsa-sha2-nistp256'
    ],
    ['an empty force-command', critical('force-command', ''), 'critical_options.force-command: must not be empty'],
    ['a newline in a command', critical('force-command', 'id\nsh'), 'critical_options.force-command: control characters'],
    ['a NUL in a value', extension('x@y', 'a\0'), 'extensions.x@y: control characters'],
    ['half a character in a value', extension('x@y', '\ud800'), 'extensions.x@y: control characters'],
    ['a comma in the name of an option', extension('a,b', ''), 'extensions."a,b": is no name of an option'],
    ['an empty name', extension('', ''), 'extensions."": is no name of an option'],
    ['a long value', extension('x@y', 'a'.repeat(4097)), 'extensions.x@y: longer than 4096 bytes'],
    [
      'a host with a critical option',
      { ...host, ...critical('force-command', 'id') },
      'critical_options: clients refuse a host certificate that has any'
    ],

    ['an empty source-address', source(''), 'critical_options.source-address: empty'],
    ['a blank after the comma', source('::1, ::2'), 'critical_options.source-address: " ::2" is no address'],
    ['host bits', source('127.0.0.1/8'), '"127.0.0.1/8" has bits set behind the prefix'],
    ['host bits of IPv6', source('2001:db8::1/64'), 'has bits set behind the prefix'],
    ['everybody', source('0.0.0.0/0'), 'is every address'],
    ['everybody in IPv6', source('::/0'), 'is every address'],
    ['a host name', source('localhost'), 'is no address or network'],
    ['a short address', source('10.1/16'), 'is no address or network'],
    ['an octal address', source('010.0.0.1'), 'is no address or network'],
    ['a hexadecimal address', source('0x7f000001'), 'is no address or network'],
    ['a prefix that is too long', source('10.0.0.0/33'), 'has no prefix length from 1 to 32'],
    ['a prefix with a zero in front', source('10.0.0.0/08'), 'has no prefix length from 1 to 32'],
    ['two prefixes', source('10.0.0.0/8/8'), 'is no address or network'],
    ['a zone', source('fe80::1%eth0'), 'is no address or network'],
    ['IPv4 inside IPv6', source('::ffff:102:304'), 'is no address or network'],
    ['IPv6 in upper case', source('2001:DB8::1'), 'is no address or network'],
    ['a trailing comma', source('::1,'), 'is no address or network'],

    ['the key of the CA itself', { key: real.publicKey }, 'public_key: this is the key of the CA itself']
  ])('%s', async (_, fields, message) => {
    await expect(signCertificate({ ...base, ...fields }, untouched)).rejects.toThrow(message)
  })

  test('by a weak CA', async () => {
    const weak = signerOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey)
    await expect(signCertificate(base, weak)).rejects.toThrow('CA key: an RSA key of 2048 bits is too weak, at least 3072 are needed')
  })

  test('more than a login packet should hold', async () => {
    const principals = Array.from({ length: 256 }, (_, at) => `p${at}`.padEnd(40, 'x'))
    await expect(signCertificate({ ...base, principals }, real)).rejects.toThrow(/^the certificate has \d+ bytes, at most 8192 are signed/)
  })
})

describe('never read as a certificate: ', () => {
  test.each<[string, (writer: WireWriter) => void, string]>([
    ['type 0', writer => tail(writer, { type: 0 }), 'type 0 is neither user nor host'],
    ['type 3', writer => tail(writer, { type: 3 }), 'type 3 is neither user nor host'],
    ['a NUL in the key id', writer => tail(writer, { keyId: 'a\0b' }), 'key id contains a NUL byte'],
    ['257 principals', writer => tail(writer, { principals: list(Array.from({ length: 257 }, () => 'p')) }), 'more than 256 principals'],
    ['options out of order', writer => tail(writer, { extensions: list(['b', '', 'a', '']) }), 'extensions are not in ascending order'],
    ['an option twice', writer => tail(writer, { extensions: list(['a', '', 'a', '']) }), 'extensions are not in ascending order'],
    ['half an option', writer => tail(writer, { extensions: list(['a']) }), 'cut short at extension'],
    ['a value that is not nested', writer => tail(writer, { extensions: list(['a', 'x']) }), 'cut short at extension'],
    ['a reserved field', writer => tail(writer, { reserved: 'x' }), 'the reserved field is filled'],
    [
      'a CA that is a certificate',
      writer => tail(writer, { ca: new WireWriter().string('ssh-ed25519-cert-v01@openssh.com').finish() }),
      'this is a certificate, not a key'
    ]
  ])('%s', (_, fill, message) => {
    const writer = new WireWriter().string('ssh-ed25519-cert-v01@openssh.com').string(new Uint8Array(32))
    const key = real.publicKey
    writer.string(key.type === 'ssh-rsa' ? '' : key.point).uint64(1n)
    fill(writer)
    expect(() => parseCertificate(writer.finish())).toThrow(message)
  })
})

interface Tail {
  readonly type?: number
  readonly keyId?: string
  readonly principals?: Uint8Array
  readonly extensions?: Uint8Array
  readonly reserved?: string
  readonly ca?: Uint8Array
}

function tail(
  writer: WireWriter,
  { type = 1, keyId = 'a', principals = list(['p']), extensions = list([]), reserved = '', ca = keyBlob(real.publicKey) }: Tail
): void {
  writer.uint32(type).string(keyId).string(principals).uint64(1n).uint64(2n)
  writer.string('').string(extensions).string(reserved).string(ca).string('signature')
}

function list(texts: readonly string[]): Buffer {
  const writer = new WireWriter()
  for (const text of texts) writer.string(text)
  return writer.finish()
}

test.each([
  ['0.0.0.0', '00000000'],
  ['192.0.2.255', 'c00002ff'],
  ['::', '0'.repeat(32)],
  ['::1', `${'0'.repeat(31)}1`],
  ['2001:db8::a:0:0:1', '20010db800000000000a000000000001'],
  ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
  ['fe80::', `fe80${'0'.repeat(28)}`]
])('the address %s has the bytes %s', (text, hex) => {
  expect(Buffer.from(parseAddress(text)!).toString('hex')).toBe(hex)
})

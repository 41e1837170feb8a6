import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BrokerError } from '../../../../src/contracts/index.ts'
import { parseKeyLine, writeKeyLine } from '../../../../plugins/ssh/format/key-line.ts'
import { publicPart } from '../../../../plugins/ssh/format/key-object.ts'
import { keyBits, requireStrongKey } from '../../../../plugins/ssh/format/key-strength.ts'
import { parseKrl } from '../../../../plugins/ssh/format/parse-krl.ts'
import { parseCertificate, parseCertificateLine } from '../../../../plugins/ssh/format/parse-certificate.ts'
import { parsePrivateKey } from '../../../../plugins/ssh/format/private-key.ts'
import { fingerprint, keyBlob, parsePublicKey } from '../../../../plugins/ssh/format/public-key.ts'
import { certificateLine, signCertificate } from '../../../../plugins/ssh/format/sign-certificate.ts'
import { signerOf } from '../../../../plugins/ssh/format/signer.ts'
import { signerOfMessage } from '../../../../plugins/ssh/format/sshsig.ts'
import { WireWriter } from '../../../../plugins/ssh/format/wire-writer.ts'
import { certificateFields, fidoKeys, privateKeys, subjectKey } from './arbitraries.ts'
import { KeygenFolder, noKeygen } from './ssh-keygen.ts'

const key = publicPart(privateKeys.ed25519)
const line = writeKeyLine(key)
const base64 = line.split(' ')[1]!
const lineOf = (type: string, blob: Uint8Array): string => `${type} ${Buffer.from(blob).toString('base64')}`
const rsa = (e: Buffer, n: Buffer): string => lineOf('ssh-rsa', new WireWriter().string('ssh-rsa').mpint(e).mpint(n).finish())
const ed25519 = (point: Uint8Array): string => lineOf('ssh-ed25519', new WireWriter().string('ssh-ed25519').string(point).finish())
const p256 = (point: Uint8Array, curve = 'nistp256'): string =>
  lineOf('ecdsa-sha2-nistp256', new WireWriter().string('ecdsa-sha2-nistp256').string(curve).string(point).finish())

test('every kind of key reads back as it was written, with or without a comment, newline or type', () => {
  const property = fc.property(subjectKey, key => {
    const line = writeKeyLine(key)
    for (const text of [line, `${line}\n`, `${line} somebody@laptop and more\r\n`, line.split(' ')[1]!])
      expect(parseKeyLine(text).key).toEqual(key)
    expect(parsePublicKey(keyBlob(key))).toEqual(key)
  })
  fc.assert(property)
  expect(parseKeyLine(`${line} somebody@laptop and more\n`).comment).toBe('somebody@laptop and more')
})

test.skipIf(noKeygen)('the fingerprint is that of ssh-keygen', () => {
  const keys = [...Object.values(privateKeys).map(publicPart), ...fidoKeys]
  using folder = new KeygenFolder()
  const listed = folder.run(['-l', '-f', folder.file('keys', keys.map(key => `${writeKeyLine(key)} x\n`).join(''))])
  expect(
    listed
      .trim()
      .split('\n')
      .map(one => one.split(' ').slice(0, 2).join(' '))
  ).toEqual(keys.map(key => `${keyBits(key)} ${fingerprint(key)}`))
})

const certificate = await signedLine()
async function signedLine(): Promise<string> {
  const [fields] = fc.sample(certificateFields, { seed: 3, numRuns: 1 })
  return certificateLine(fields!, await signCertificate(fields!, signerOf(privateKeys.p256)))
}

describe('a key line is refused when it is', () => {
  const even = Buffer.concat([Buffer.of(0xc0), Buffer.alloc(255)])
  const odd = Buffer.concat([Buffer.of(0xc0), Buffer.alloc(254), Buffer.of(1)])
  test.each<[string, string, string]>([
    ['empty', ' \n', 'empty'],
    ['a certificate', certificate, 'this is a certificate, not a key'],
    ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----\nabc', 'this is a private key: send the .pub file'],
    ['two keys', `${line}\n${line}\n`, 'one key is expected, on one line'],
    ['a key behind an option', `restrict ${line}`, 'options before the key type are not accepted'],
    ['a key behind a valued option', `command="id",no-pty ${line}`, 'options before the key type are not accepted'],
    ['named as another type', `ssh-rsa ${base64}`, 'the line says ssh-rsa, the key is ssh-ed25519'],
    ['no base64', 'ssh-ed25519 AAAA*', 'not base64'],
    ['base64 with a second spelling', `ssh-ed25519 ${base64.replace(/=*$/, '')}====`, 'not base64'],
    ['base64 of the web', `ssh-ed25519 ${Buffer.alloc(33, 0xfb).toString('base64url')}`, 'not base64'],
    ['longer than it says', lineOf('ssh-ed25519', Buffer.concat([keyBlob(key), Buffer.of(0)])), '1 bytes too many at the end'],
    ['cut', lineOf('ssh-ed25519', keyBlob(key).subarray(0, 40)), 'cut short at point'],
    ['with a NUL', `ssh-ed25519 ${base64} a\0b`, 'control characters in the line'],
    ['with an escape', `ssh-ed25519 ${base64} \u001b[2J`, 'control characters in the line'],
    ['of DSA', lineOf('ssh-dss', new WireWriter().string('ssh-dss').finish()), 'DSA keys are not accepted'],
    ['of an unknown type', lineOf('ssh-xmss', new WireWriter().string('ssh-xmss').finish()), 'unknown key type "ssh-xmss"'],
    ['an Ed25519 key of 31 bytes', ed25519(new Uint8Array(31)), 'an Ed25519 key has 32 bytes, not 31'],
    ['an Ed25519 key of zeros', ed25519(new Uint8Array(32)), 'the point is of small order'],
    [
      'the identity with a sign',
      ed25519(Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? 1 : at === 31 ? 0x80 : 0))),
      'the point is of small order'
    ],
    [
      'an Ed25519 key above the prime',
      ed25519(Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? 0xee : at === 31 ? 0x7f : 0xff))),
      'the point is not written in its one form'
    ],
    ['off its curve', p256(Buffer.concat([Buffer.of(4), Buffer.alloc(64, 1)])), 'the point is not on the curve nistp256'],
    ['a compressed point', p256(Buffer.concat([Buffer.of(2), Buffer.alloc(32, 1)])), 'not an uncompressed point of nistp256'],
    ['of another curve than its type', p256(Buffer.alloc(65, 4), 'nistp384'), 'the type says nistp256, the key "nistp384"'],
    ['RSA with an even modulus', rsa(Buffer.of(1, 0, 1), even), 'an RSA modulus is odd'],
    ['RSA with an even exponent', rsa(Buffer.of(1, 0, 0), odd), 'not an RSA exponent'],
    ['RSA with exponent 1', rsa(Buffer.of(1), odd), 'not an RSA exponent'],
    ['RSA without exponent', rsa(Buffer.of(), odd), 'not an RSA exponent'],
    ['RSA of more bits than any host reads', rsa(Buffer.of(1, 0, 1), Buffer.alloc(2049, 0x81)), 'an RSA key has at most 16384 bits'],
    [
      'RSA with a negative modulus',
      lineOf('ssh-rsa', new WireWriter().string('ssh-rsa').string(Buffer.of(3)).string(odd).finish()),
      'modulus is negative'
    ],
    [
      'RSA with a padded modulus',
      lineOf(
        'ssh-rsa',
        new WireWriter()
          .string('ssh-rsa')
          .string(Buffer.of(3))
          .string(Buffer.concat([Buffer.of(0, 0), odd]))
          .finish()
      ),
      'modulus has a superfluous leading zero'
    ],
    [
      'a FIDO key without application',
      lineOf(
        'sk-ssh-ed25519@openssh.com',
        new WireWriter().string('sk-ssh-ed25519@openssh.com').string(Buffer.alloc(32, 9)).string('').finish()
      ),
      'application must be a name'
    ],
    ['a novel', 'x'.repeat(9000), 'longer than 8192 characters']
  ])('%s', (_, text, message) => {
    expect(() => parseKeyLine(text)).toThrow(`public key: ${message}`)
  })
})

test('a private key that was sent by mistake is not repeated in the refusal', () => {
  const text = '-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0c2VjcmV0\n-----END OPENSSH PRIVATE KEY-----'
  for (const parse of [parseKeyLine, parsePrivateKey]) expect(failure(() => parse(text))?.message).not.toContain('c2VjcmV0')
})

test('a weak key is refused by its bits and its exponent', () => {
  const weak = publicPart(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey)
  const three = publicPart(generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).publicKey)
  const rule = { what: 'public_key', rsaBitsMin: 3072 }
  expect(() => requireStrongKey(weak, rule)).toThrow('public_key: an RSA key of 2048 bits is too weak, at least 3072 are needed')
  expect(() => requireStrongKey(three, { ...rule, rsaBitsMin: 2048 })).toThrow('public_key: an RSA key with exponent 3 is too weak')
  expect(() => requireStrongKey(weak, { ...rule, rsaBitsMin: 2048 })).not.toThrow()
})

test.each<[string, () => KeyObject]>([
  ['dsa', () => generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }).privateKey],
  ['rsa-pss', () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey],
  ['x25519', () => generateKeyPairSync('x25519').privateKey],
  ['ed448', () => generateKeyPairSync('ed448').privateKey],
  ['ec secp256k1', () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey],
  ['ec brainpoolP256r1', () => generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' }).privateKey]
])('a private key of type %s, which SSH does not know, is refused by name', (type, made) => {
  expect(() => parsePrivateKey(pem(made()))).toThrow(`keys of type ${type} are not accepted`)
})

test('a private key is refused when it is not PEM, public, locked, or of two halves', () => {
  const point = Buffer.alloc(32, 2)
  const seed = Buffer.from(privateKeys.ed25519.export({ format: 'jwk' }).d!, 'base64url')
  expect(() => parsePrivateKey('ssh-ed25519 AAAA')).toThrow('private key: must be PEM')
  expect(() => parsePrivateKey(createPublicKey(privateKeys.rsa).export({ type: 'spki', format: 'pem' }))).toThrow(
    'private key: not a private key that can be read'
  )
  for (const type of ['pkcs8', 'pkcs1'] as const) expect(() => parsePrivateKey(locked(type))).toThrow('private key: has a passphrase')
  expect(() => parsePrivateKey(openSshFile(point, seed))).toThrow('private key: damaged, or its two halves do not belong together')
  expect(() => parsePrivateKey(`${pem(privateKeys.p256)}${'x'.repeat(20_000)}`)).toThrow('private key: longer than 16384 characters')
  expect(writeKeyLine(publicPart(parsePrivateKey(pem(privateKeys.p256))))).toBe(writeKeyLine(publicPart(privateKeys.p256)))
})

function locked(type: 'pkcs8' | 'pkcs1'): string {
  return privateKeys.rsa.export({ type, format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' })
}

/** A key file of a public half and a seed that are not each other's. */
function openSshFile(point: Buffer, seed: Buffer): string {
  const blob = new WireWriter().string('ssh-ed25519').string(point).finish()
  const part = new WireWriter()
    .uint32(1)
    .uint32(1)
    .string('ssh-ed25519')
    .string(point)
    .string(Buffer.concat([seed, point]))
    .string('')
    .raw(Buffer.of(1, 2, 3, 4, 5))
    .finish()
  const file = new WireWriter()
    .raw(Buffer.from('openssh-key-v1\0'))
    .string('none')
    .string('none')
    .string('')
    .uint32(1)
    .string(blob)
    .string(part)
    .finish()
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${file.toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`
}

describe('whatever is read, only the refusals that a caller may see come out', () => {
  const valid: readonly Uint8Array[] = [...Object.values(privateKeys).map(key => keyBlob(publicPart(key))), ...fidoKeys.map(keyBlob)]
  const certificateBlob = Buffer.from(certificate.split(' ')[1]!, 'base64')
  const parsers: readonly [string, (bytes: Buffer) => unknown, readonly Uint8Array[]][] = [
    ['a key', bytes => keyBlob(parsePublicKey(bytes)), valid],
    ['a key line', bytes => parseKeyLine(bytes.toString('latin1')), valid.map(blob => Buffer.from(writeKeyLine(parsePublicKey(blob))))],
    ['a certificate', parseCertificate, [certificateBlob]],
    ['a certificate line', bytes => parseCertificateLine(bytes.toString('latin1')), [Buffer.from(certificate)]],
    ['a KRL', parseKrl, [Buffer.from('SSHKRL\n\0')]],
    ['a private key', bytes => parsePrivateKey(bytes.toString('latin1')), []],
    ['a signature', bytes => signerOfMessage(bytes.toString('latin1'), 'x', Buffer.of()), []]
  ]
  test.each(parsers)('%s', (_, parse, seeds) => {
    const mutated = fc
      .tuple(
        fc.constantFrom(...seeds, new Uint8Array(0)),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
        fc.uint8Array({ maxLength: 40 }),
        fc.nat()
      )
      .map(([seed, changes, tail, cut]) => changed(seed, changes, tail, cut))
    const property = fc.property(mutated, bytes => {
      const error = failure(() => parse(bytes))
      if (error !== undefined) expect(error).toBeInstanceOf(BrokerError)
    })
    fc.assert(property, { numRuns: 1_000 })
  })

  test('and no key is read of which a second spelling exists', () => {
    const property = fc.property(fc.constantFrom(...valid), fc.nat(), fc.nat(255), (seed, at, value) => {
      const bytes = changed(seed, [[at, value]], new Uint8Array(0), 0)
      if (failure(() => parsePublicKey(bytes)) === undefined) expect(keyBlob(parsePublicKey(bytes))).toEqual(bytes)
    })
    fc.assert(property, { numRuns: 2_000 })
  })
})

function changed(seed: Uint8Array, changes: readonly [number, number][], tail: Uint8Array, cut: number): Buffer {
  const bytes = Buffer.from(seed)
  for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value
  return Buffer.concat([bytes.subarray(0, cut % 3 === 0 ? bytes.length : cut % (bytes.length + 1)), tail])
}

function failure(action: () => unknown): Error | undefined {
  try {
    action()
    return undefined
  } catch (error) {
    return error as Error
  }
}

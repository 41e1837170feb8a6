/** The worked examples of the reference, byte for byte: everything in them is deterministic. */
import { createHash, createPrivateKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { expect, test } from 'vitest'
import type { CertificateFields } from '../../../../plugins/ssh/format/certificate.ts'
import { encodeKrl } from '../../../../plugins/ssh/format/encode-krl.ts'
import { publicPart } from '../../../../plugins/ssh/format/key-object.ts'
import { isCertificateRevoked } from '../../../../plugins/ssh/format/krl-check.ts'
import { isGenuine, parseCertificate } from '../../../../plugins/ssh/format/parse-certificate.ts'
import { parseKrl } from '../../../../plugins/ssh/format/parse-krl.ts'
import { fingerprint } from '../../../../plugins/ssh/format/public-key.ts'
import { serialRanges } from '../../../../plugins/ssh/format/serial-ranges.ts'
import { signCertificate } from '../../../../plugins/ssh/format/sign-certificate.ts'
import { signerOf } from '../../../../plugins/ssh/format/signer.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')

/** RFC 8410: an Ed25519 key is its seed. */
const seeded = (byte: number): KeyObject =>
  createPrivateKey({ key: Buffer.concat([hex('302e020100300506032b657004220420'), Buffer.alloc(32, byte)]), format: 'der', type: 'pkcs8' })

const ca = seeded(1)
const fields: CertificateFields = {
  kind: 'user',
  nonce: Uint8Array.from({ length: 32 }, (_, at) => at),
  key: publicPart(seeded(2)),
  serial: 100n,
  keyId: 'alice@example.com',
  principals: ['root'],
  validAfter: 1767225540n,
  validBefore: 1767226500n,
  criticalOptions: new Map([['force-command', 'echo forced']]),
  extensions: new Map([['permit-pty', '']])
}

const certificateBytes = hex(`
  00000020 7373682d656432353531392d636572742d763031406f70656e7373682e636f6d
  00000020 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
  00000020 8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394
  0000000000000064
  00000001
  00000011 616c696365406578616d706c652e636f6d
  00000008 00000004 726f6f74
  000000006955b8c4
  000000006955bc84
  00000024 0000000d 666f7263652d636f6d6d616e64 0000000f 0000000b 6563686f20666f72636564
  00000012 0000000a 7065726d69742d707479 00000000
  00000000
  00000033 0000000b 7373682d65643235353139 00000020 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c
  00000053 0000000b 7373682d65643235353139 00000040 46524ab5e1941d5b0f3e42a24cd390088a60a5c2b11671cd16504e22719da1bd
  0d9e51da2f59a06f358aa581ec1abf52f8d29f850561aead40235a86a29f4f04`)

test('a certificate of known keys is that of the worked example', async () => {
  const blob = await signCertificate(fields, signerOf(ca))
  expect(blob.toString('hex')).toBe(certificateBytes.toString('hex'))
  expect(blob.length).toBe(377)
  expect(sha256(blob)).toBe('47588d61f4f8b2b3b6c572cc52678bab9e9ffacd973d774a0de20dbc85a68044')
  expect(fingerprint(publicPart(ca))).toBe('SHA256:fe85JkIjo8VPe+XqXJGH5Mau1EMFdK1OdKvJUFicyA8')
})

test('the certificate of the worked example reads as what it says', () => {
  const certificate = parseCertificate(certificateBytes)
  expect(certificate).toMatchObject({ ...fields, nonce: Buffer.from(fields.nonce), issuer: publicPart(ca) })
  expect(certificate.signedPart.length).toBe(0x122)
  expect(isGenuine(certificate)).toBe(true)
})

const krlBytes = hex(`
  5353484b524c0a00 00000001 0000000000000007 000000006955b900 0000000000000000 00000000 00000000
  01 0000009a 00000033 0000000b 7373682d65643235353139 00000020 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c 00000000
    20 00000010 0000000000000005 0000000000000064
    21 00000010 00000000000000c8 000000000000012b
    22 0000000e 00000000000003e8 00000002 0209
    22 0000000f 00000000000007d0 00000003 008001
    23 00000009 00000005 616c696365`)

test('the KRL of the worked example reads as what it says', () => {
  expect(sha256(krlBytes)).toBe('3930e78861b1d8aecd001f953cdb8d3e23f3970e97bc8c6d1f7d81646dea41cd')
  expect(parseKrl(krlBytes)).toEqual({
    version: 7n,
    generatedAt: 1767225600n,
    certificates: [
      {
        ca: publicPart(ca),
        serials: serialRanges([5n, 100n, 1000n, 1003n, 1009n, 2000n, 2015n], [{ first: 200n, last: 299n }]),
        keyIds: ['alice']
      }
    ],
    keys: [],
    fingerprints: []
  })
})

test('what is written anew says the same and is not longer', () => {
  const krl = parseKrl(krlBytes)
  const bytes = encodeKrl(krl)
  expect(parseKrl(bytes)).toEqual(krl)
  expect(bytes.length).toBeLessThanOrEqual(krlBytes.length)
})

test('the list without anybody has 44 bytes', () => {
  const empty = {
    version: 1n,
    generatedAt: 0n,
    certificates: [{ ca: publicPart(ca), serials: [], keyIds: [] }],
    keys: [],
    fingerprints: []
  }
  expect(encodeKrl(empty).length).toBe(44)
})

test.each([
  [100n, 'bob', true],
  [101n, 'bob', false],
  [299n, 'bob', true],
  [300n, 'bob', false],
  [1009n, 'bob', true],
  [2001n, 'bob', false],
  [7n, 'alice', true]
])('serial %s of %s is revoked there: %s', (serial, keyId, revoked) => {
  const krl = parseKrl(krlBytes)
  expect(isCertificateRevoked(krl, { key: fields.key, issuer: publicPart(ca), serial, keyId })).toBe(revoked)
  expect(isCertificateRevoked(krl, { key: fields.key, issuer: fields.key, serial, keyId })).toBe(false)
})

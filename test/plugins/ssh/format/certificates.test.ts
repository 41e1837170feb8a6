import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CertificateFields } from '../../../../plugins/ssh/format/certificate.ts'
import { isGenuine, isGenuineAside, parseCertificate, parseCertificateLine } from '../../../../plugins/ssh/format/parse-certificate.ts'
import { fingerprint } from '../../../../plugins/ssh/format/public-key.ts'
import { certificateLine, signCertificate } from '../../../../plugins/ssh/format/sign-certificate.ts'
import { signerOf } from '../../../../plugins/ssh/format/signer.ts'
import type { Signer } from '../../../../plugins/ssh/format/signer.ts'
import { WireWriter } from '../../../../plugins/ssh/format/wire-writer.ts'
import { certificateFields, privateKeys } from './arbitraries.ts'
import { KeygenFolder, noKeygen } from './ssh-keygen.ts'

const signers = [...Object.values(privateKeys).map(key => signerOf(key)), signerOf(privateKeys.rsa, 'rsa-sha2-256')]
const signer = fc.constantFrom(...signers)

test('what is signed reads back as what was asked for, in one form', async () => {
  const property = fc.asyncProperty(certificateFields, signer, async (fields, signer) => {
    const blob = await signCertificate(fields, signer)
    const read = parseCertificateLine(certificateLine(fields, blob))
    expect(told(read)).toEqual(told(fields))
    expect(read.issuer).toEqual(signer.publicKey)
    expect(isGenuine(read)).toBe(true)
    expect(await isGenuineAside(read)).toBe(true)
  })
  await fc.assert(property, { numRuns: 300 })
})

test.skipIf(noKeygen)('ssh-keygen reads every certificate as what was asked for', async () => {
  const seed = randomBytes(4).readInt32BE()
  const samples = fc.sample(fc.tuple(certificateFields, signer), { seed, numRuns: 400 })
  const lines = await Promise.all(samples.map(async ([fields, signer]) => certificateLine(fields, await signCertificate(fields, signer))))
  using folder = new KeygenFolder()
  const listed = folder.run(['-L', '-f', folder.file('all-cert.pub', `${lines.join('\n')}\n`)])
  const seen = listed.split(/^.*all-cert\.pub:(?:\d+:)?\n/m).slice(1)
  expect(seen, `seed ${seed}`).toEqual(samples.map(([fields, signer]) => listing(fields, signer)))
})

test('one changed bit anywhere is noticed', async () => {
  const [fields] = fc.sample(certificateFields, { seed: 7, numRuns: 1 })
  const blob = await signCertificate(fields!, signers[0]!)
  for (let bit = 0; bit < blob.length * 8; bit++) {
    const changed = Buffer.from(blob)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    expect(accepts(changed), `bit ${bit}`).toBe(false)
  }
})

test('a certificate that is cut, or longer by one byte, does not parse', async () => {
  const [fields] = fc.sample(certificateFields, { seed: 8, numRuns: 1 })
  const blob = await signCertificate(fields!, signers[0]!)
  for (let length = 0; length < blob.length; length++)
    expect(() => parseCertificate(blob.subarray(0, length))).toThrow(/^certificate: |^public key: /)
  expect(() => parseCertificate(Buffer.concat([blob, Buffer.of(0)]))).toThrow('certificate: 1 bytes too many at the end')
})

function accepts(blob: Buffer): boolean {
  try {
    return isGenuine(parseCertificate(blob))
  } catch {
    return false
  }
}

/** The fields alone, comparable. */
function told({
  kind,
  nonce,
  key,
  serial,
  keyId,
  principals,
  validAfter,
  validBefore,
  criticalOptions,
  extensions
}: CertificateFields): unknown {
  return { kind, nonce: [...nonce], key, serial, keyId, principals, validAfter, validBefore, criticalOptions, extensions }
}

/** As `ssh-keygen -L` prints them. */
function listing(fields: CertificateFields, signer: Signer): string {
  const { kind, key, keyId, serial, principals, criticalOptions, extensions } = fields
  const lines = [
    `Type: ${wireType(key.type)} ${kind} certificate`,
    `Public key: ${word(key.type)}-CERT ${fingerprint(key)}`,
    `Signing CA: ${word(signer.publicKey.type)} ${fingerprint(signer.publicKey)} (using ${algorithmOf(signer)})`,
    `Key ID: "${keyId}"`,
    `Serial: ${serial}`,
    `Valid: from ${moment(fields.validAfter)} to ${moment(fields.validBefore)}`,
    ...list('Principals', principals),
    ...list('Critical Options', options(criticalOptions)),
    ...list('Extensions', options(extensions))
  ]
  return lines.map(line => `        ${line}\n`).join('')
}

const moment = (seconds: bigint): string =>
  Temporal.Instant.fromEpochMilliseconds(Number(seconds) * 1000)
    .toString()
    .replace('Z', '')
const list = (title: string, entries: readonly string[]): readonly string[] =>
  entries.length === 0 ? [`${title}: (none)`] : [`${title}: `, ...entries.map(entry => `        ${entry}`)]

/** It decodes the values that it knows; the others it shows as they stand. */
function options(values: ReadonlyMap<string, string>): readonly string[] {
  return [...values.keys()].toSorted().map(name => {
    const value = values.get(name) ?? ''
    if (name === 'Aa') return `${name} UNKNOWN FLAG OPTION`
    const data = new WireWriter().string(value).finish()
    if (name === 'zz@example.com') return `${name} UNKNOWN OPTION: ${data.toString('hex')} (len ${data.length})`
    return value === '' ? name : `${name} ${value}`
  })
}

const wireType = (type: string): string => `${type.replace('@openssh.com', '')}-cert-v01@openssh.com`
const word = (type: string): string =>
  type.startsWith('sk-')
    ? type.includes('ecdsa')
      ? 'ECDSA-SK'
      : 'ED25519-SK'
    : type.startsWith('ecdsa')
      ? 'ECDSA'
      : type === 'ssh-rsa'
        ? 'RSA'
        : 'ED25519'
const algorithmOf = (signer: Signer): string =>
  signer === signers.at(-1) ? 'rsa-sha2-256' : signer.publicKey.type === 'ssh-rsa' ? 'rsa-sha2-512' : signer.publicKey.type

import { BrokerError } from 'mayfly/plugin'
import { certificateType, kindNumber } from './certificate.ts'
import type { CertificateFields } from './certificate.ts'
import { requireKeyId } from './key-id.ts'
import { requireOptions } from './options.ts'
import { requirePrincipals } from './principals.ts'
import { keyBlob, writeKeyFields } from './public-key.ts'
import type { PublicKey } from './public-key.ts'
import { requireStrongKey } from './key-strength.ts'
import type { Signer } from './signer.ts'
import { WireWriter } from './wire-writer.ts'

// OpenSSH takes 256 KiB, but a login packet must hold it, and what is larger than this was made to harm.
const blobBytesMax = 8192
const nonceBytes = 32
// Signed integers of a database on one side; Go compares times as int64, and JavaScript clients as doubles, on the other.
const serialMax = 2n ** 63n - 1n
const timeMax = 2n ** 53n
const issuerRsaBitsMin = 3072

/** A certificate's blob. Refuses, before anything is signed, what section 4 of the reference refuses and the fields alone can tell; who may ask for it is the engine's to decide. */
export async function signCertificate(fields: CertificateFields, signer: Signer): Promise<Buffer> {
  requireFields(fields)
  requireStrongKey(signer.publicKey, { what: 'CA key', rsaBitsMin: issuerRsaBitsMin })
  if (keyBlob(signer.publicKey).equals(keyBlob(fields.key))) throw refusal('public_key: this is the key of the CA itself')
  const signedPart = encodeSignedPart(fields, signer.publicKey)
  const blob = new WireWriter()
    .raw(signedPart)
    .string(await signer.sign(signedPart))
    .finish()
  if (blob.length > blobBytesMax)
    throw refusal(`the certificate has ${blob.length} bytes, at most ${blobBytesMax} are signed: ask for fewer principals or options`)
  return blob
}

/** One line as in `id_ed25519-cert.pub`, without a comment. */
export function certificateLine(fields: CertificateFields, blob: Buffer): string {
  return `${certificateType(fields.key.type)} ${blob.toString('base64')}`
}

function requireFields(fields: CertificateFields): void {
  if (fields.nonce.length !== nonceBytes) throw new Error(`a nonce has ${nonceBytes} bytes`)
  if (fields.serial < 1n || fields.serial > serialMax) throw refusal('serial: must be from 1 to 2^63 - 1')
  requireKeyId(fields.keyId)
  requirePrincipals(fields.kind, fields.principals)
  if (fields.validAfter < 0n || fields.validAfter >= fields.validBefore) throw refusal('validity: must end after it begins')
  if (fields.validBefore >= timeMax) throw refusal('validity: ends too late, at most 2^53 seconds are written')
  requireOptions(fields)
}

/** Fields 1 to 13, as they are: what no host would take is refused by the callers. */
export function encodeSignedPart(fields: CertificateFields, issuer: PublicKey): Buffer {
  const writer = new WireWriter().string(certificateType(fields.key.type)).string(fields.nonce)
  writeKeyFields(writer, fields.key)
    .uint64(fields.serial)
    .uint32(kindNumber[fields.kind])
    .string(fields.keyId)
    .string(strings(fields.principals))
    .uint64(fields.validAfter)
    .uint64(fields.validBefore)
    .string(options(fields.criticalOptions))
    .string(options(fields.extensions))
    .string('')
    .string(keyBlob(issuer))
  return writer.finish()
}

function strings(texts: readonly string[]): Buffer {
  const writer = new WireWriter()
  for (const text of texts) writer.string(text)
  return writer.finish()
}

/** Names ascending by bytes: OpenSSH takes any order, Go and pyca take only this one. A value is a string inside the data; a flag has no data, not even an empty string. */
function options(values: ReadonlyMap<string, string>): Buffer {
  const writer = new WireWriter()
  const names = [...values.keys()].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  for (const name of names) {
    const value = values.get(name) ?? ''
    writer.string(name).string(value === '' ? '' : new WireWriter().string(value).finish())
  }
  return writer.finish()
}

function refusal(reason: string): BrokerError {
  return new BrokerError('invalid_request', reason)
}

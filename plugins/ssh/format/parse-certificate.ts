import { decodeBase64 } from './base64.ts'
import { kindNumber, principalsMax, subjectType } from './certificate.ts'
import type { Certificate, CertificateKind } from './certificate.ts'
import { parsePublicKey, readKeyFields } from './public-key.ts'
import { isSignedBy, isSignedByAside } from './signature.ts'
import { WireReader } from './wire-reader.ts'

/** Reads a certificate in its one form: options ascending and once each, nothing reserved filled, nothing behind. That the signature is good is another question: `isGenuine`. */
export function parseCertificate(blob: Uint8Array): Certificate {
  const reader = new WireReader(blob, 'certificate')
  const type = subjectType(reader.text('type name'))
  if (!type) throw reader.refusal('not a type of certificate')
  const fields = {
    nonce: reader.string('nonce'),
    key: readKeyFields(type, reader),
    serial: reader.uint64('serial'),
    kind: kindOf(reader),
    keyId: reader.text('key id'),
    principals: readPrincipals(reader),
    validAfter: reader.uint64('valid after'),
    validBefore: reader.uint64('valid before'),
    criticalOptions: readOptions(reader, 'critical option'),
    extensions: readOptions(reader, 'extension')
  }
  if (reader.string('reserved').length > 0) throw reader.refusal('the reserved field is filled')
  const issuer = parsePublicKey(reader.string('signature key'))
  const signedPart = Buffer.from(blob.subarray(0, reader.position))
  const signature = reader.string('signature')
  reader.end()
  return { ...fields, issuer, signedPart, signature }
}

/** One line as in `id_ed25519-cert.pub`. */
export function parseCertificateLine(line: string): Certificate {
  const [type = '', base64 = ''] = line.trim().split(' ')
  const blob = decodeBase64(base64, 'certificate')
  const reader = new WireReader(blob, 'certificate')
  if (reader.text('type name') !== type) throw reader.refusal('the line names another type than the certificate')
  return parseCertificate(blob)
}

/** Whether the key that the certificate names as its issuer has signed it. Whose key that is, the caller must ask. */
export function isGenuine(certificate: Certificate): boolean {
  return isSignedBy(certificate.issuer, certificate.signedPart, certificate.signature)
}

/** The same, beside the event loop. */
export function isGenuineAside(certificate: Certificate): Promise<boolean> {
  return isSignedByAside(certificate.issuer, certificate.signedPart, certificate.signature)
}

function kindOf(reader: WireReader): CertificateKind {
  const number = reader.uint32('type')
  if (number === kindNumber.user) return 'user'
  if (number === kindNumber.host) return 'host'
  throw reader.refusal(`type ${number} is neither user nor host`)
}

function readPrincipals(reader: WireReader): readonly string[] {
  const inner = new WireReader(reader.string('principals'), 'certificate')
  const principals: string[] = []
  while (!inner.atEnd) {
    if (principals.length === principalsMax) throw reader.refusal(`more than ${principalsMax} principals`)
    principals.push(inner.text('principal'))
  }
  return principals
}

function readOptions(reader: WireReader, field: string): ReadonlyMap<string, string> {
  const inner = new WireReader(reader.string(`${field}s`), 'certificate')
  const options = new Map<string, string>()
  let previous: Buffer | undefined
  while (!inner.atEnd) {
    const name = inner.text(field)
    const bytes = Buffer.from(name)
    if (previous && Buffer.compare(previous, bytes) >= 0) throw reader.refusal(`${field}s are not in ascending order`)
    previous = bytes
    options.set(name, readValue(inner.string(field), field))
  }
  return options
}

function readValue(data: Buffer, field: string): string {
  if (data.length === 0) return ''
  const reader = new WireReader(data, 'certificate')
  const value = reader.text(field)
  reader.end()
  if (value === '') throw reader.refusal(`the value of a ${field} is an empty string`)
  return value
}

/** X.509 certificates with ECDSA keys (RFC 5280, RFC 5758). node-forge encodes, node:crypto signs. */
import { createHash, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import forge from 'node-forge'

const { asn1 } = forge
const { BITSTRING, BOOLEAN, INTEGER, OCTETSTRING, OID, SEQUENCE, SET, UTF8 } = asn1.Type

export interface CertificateWish {
  /** Common names. */
  readonly subject: string
  readonly issuer: string
  readonly publicKey: KeyObject
  readonly issuerKeys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }
  /** 16 random bytes. */
  readonly serial: Uint8Array
  readonly from: Temporal.Instant
  readonly until: Temporal.Instant
  /** DNS names and IP addresses of a server; a CA has none. */
  readonly names?: readonly string[]
}

/** PEM. */
export function certificate(wish: CertificateWish): string {
  const body = sequence(
    tagged(0, number(Uint8Array.of(2))), // version 3
    // Positive and at most 20 bytes (RFC 5280 §4.1.2.2).
    number(Uint8Array.of(0x01, ...wish.serial)),
    ecdsaWithSha256,
    name(wish.issuer),
    sequence(moment(wish.from), moment(wish.until)),
    name(wish.subject),
    asn1.fromDer(binary(spki(wish.publicKey))),
    tagged(3, sequence(...extensions(wish)))
  )
  const signature = sign('sha256', der(body), wish.issuerKeys.privateKey)
  return pem(der(sequence(body, ecdsaWithSha256, bits(signature))))
}

const sequence = (...values: forge.asn1.Asn1[]) => asn1.create(asn1.Class.UNIVERSAL, SEQUENCE, true, values)
const set = (value: forge.asn1.Asn1) => asn1.create(asn1.Class.UNIVERSAL, SET, true, [value])
const tagged = (tag: number, value: forge.asn1.Asn1) => context(tag, true, [value])
const primitive = (type: forge.asn1.Type, value: string) => asn1.create(asn1.Class.UNIVERSAL, type, false, value)
const contextBytes = (tag: number, value: string) => context(tag, false, value)
const context = (tag: number, constructed: boolean, value: string | forge.asn1.Asn1[]) =>
  // Outside the universal class a tag is a plain number, which the types do not know.
  // oxlint-disable-next-line typescript/no-unsafe-enum-assignment
  asn1.create(asn1.Class.CONTEXT_SPECIFIC, tag, constructed, value)
const number = (bytes: Uint8Array) => primitive(INTEGER, binary(bytes))
const oid = (dotted: string) => primitive(OID, asn1.oidToDer(dotted).getBytes())
const bits = (bytes: Uint8Array, unused = 0) => primitive(BITSTRING, String.fromCharCode(unused) + binary(bytes))
const octets = (text: string) => primitive(OCTETSTRING, text)
const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'))
const name = (commonName: string) => sequence(set(sequence(oid('2.5.4.3'), primitive(UTF8, forge.util.encodeUtf8(commonName)))))

/** Two digits of the year until 2049, four from then on (RFC 5280 §4.1.2.5). */
function moment(at: Temporal.Instant): forge.asn1.Asn1 {
  const date = new Date(at.epochMilliseconds)
  return date.getUTCFullYear() < 2050
    ? primitive(asn1.Type.UTCTIME, asn1.dateToUtcTime(date))
    : primitive(asn1.Type.GENERALIZEDTIME, asn1.dateToGeneralizedTime(date))
}

function extensions(wish: CertificateWish): forge.asn1.Asn1[] {
  const keyIds = [
    extension('2.5.29.14', false, octets(keyId(wish.publicKey))),
    extension('2.5.29.35', false, sequence(contextBytes(0, keyId(wish.issuerKeys.publicKey))))
  ]
  if (!wish.names)
    return [
      ...keyIds,
      // No CA below this one.
      extension('2.5.29.19', true, sequence(primitive(BOOLEAN, '\u00ff'), number(Uint8Array.of(0)))),
      extension('2.5.29.15', true, bits(Uint8Array.of(0x06), 1)) // keyCertSign, cRLSign
    ]
  return [
    ...keyIds,
    extension('2.5.29.19', true, sequence()),
    extension('2.5.29.15', true, bits(Uint8Array.of(0x80), 7)), // digitalSignature
    extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.1'))), // serverAuth
    extension('2.5.29.17', false, sequence(...wish.names.map(alternativeName)))
  ]
}

function extension(id: string, critical: boolean, value: forge.asn1.Asn1): forge.asn1.Asn1 {
  return sequence(oid(id), ...(critical ? [primitive(BOOLEAN, '\u00ff')] : []), octets(asn1.toDer(value).getBytes()))
}

function alternativeName(text: string): forge.asn1.Asn1 {
  return isIP(text) === 0 ? contextBytes(2, text) : contextBytes(7, bytesFromIP(text))
}

// The types leave it out.
const { bytesFromIP } = forge.util as unknown as { bytesFromIP(this: void, address: string): string }

/** SHA-1 of the key's bits, as everybody names keys (RFC 5280 §4.2.1.2). */
function keyId(key: KeyObject): string {
  const bitString = (asn1.fromDer(binary(spki(key))).value as forge.asn1.Asn1[])[1] as { value: string; bitStringContents?: string }
  const withUnused = bitString.bitStringContents ?? bitString.value
  return binary(
    createHash('sha1')
      .update(Buffer.from(withUnused.slice(1), 'latin1'))
      .digest()
  )
}

const spki = (key: KeyObject): Uint8Array => key.export({ type: 'spki', format: 'der' })
const der = (value: forge.asn1.Asn1): Buffer => Buffer.from(asn1.toDer(value).getBytes(), 'latin1')
const binary = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

function pem(bytes: Buffer): string {
  return `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64').replace(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`
}

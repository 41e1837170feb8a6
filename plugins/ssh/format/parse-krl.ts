import { bitmapBitsMax, certificateSection, krlBytesMax, krlFormat, krlMagic, section } from './krl.ts'
import type { Krl, RevokedCertificates } from './krl.ts'
import { parsePublicKey } from './public-key.ts'
import type { PublicKey } from './public-key.ts'
import { serialRanges, serialsMax } from './serial-ranges.ts'
import type { SerialRange } from './serial-ranges.ts'
import { WireReader } from './wire-reader.ts'

/** Reads what `encodeKrl` writes and refuses the rest: what OpenSSH refuses, and the sections (SHA-1, signatures, extensions) that one version of it takes and another does not. */
export function parseKrl(bytes: Uint8Array): Krl {
  const reader = new WireReader(bytes, 'KRL')
  if (bytes.length > krlBytesMax) throw reader.refusal(`larger than ${krlBytesMax} bytes`)
  const { version, generatedAt } = readHeader(reader)
  const certificates: RevokedCertificates[] = []
  const keys: PublicKey[] = []
  const fingerprints: Buffer[] = []
  while (!reader.atEnd) {
    const type = reader.byte('section type')
    const data = new WireReader(reader.string('section'), 'KRL')
    if (type === section.certificates) certificates.push(readCertificates(data))
    else if (type === section.explicitKey) keys.push(...readStrings(data, 'key').map(parsePublicKey))
    else if (type === section.fingerprintSha256) fingerprints.push(...readFingerprints(data))
    else throw reader.refusal(`section of type ${type}`)
  }
  return { version, generatedAt, certificates, keys, fingerprints }
}

function readHeader(reader: WireReader): { version: bigint; generatedAt: bigint } {
  // Said apart: such a file has lost everything, and sshd would take it for a list of nobody.
  if (reader.atEnd) throw reader.refusal('empty')
  if (!reader.raw(krlMagic.length, 'magic').equals(krlMagic)) throw reader.refusal('does not begin as a KRL')
  const format = reader.uint32('format')
  if (format !== krlFormat) throw reader.refusal(`format ${format} is not known`)
  const version = reader.uint64('version')
  const generatedAt = reader.uint64('generated date')
  if (reader.uint64('flags') !== 0n) throw reader.refusal('flags are set')
  if (reader.string('reserved').length > 0) throw reader.refusal('the reserved field is filled')
  reader.text('comment')
  return { version, generatedAt }
}

function readCertificates(reader: WireReader): RevokedCertificates {
  const blob = reader.string('CA key')
  if (reader.string('reserved').length > 0) throw reader.refusal('the reserved field is filled')
  const ranges: SerialRange[] = []
  const keyIds: string[] = []
  while (!reader.atEnd) {
    const type = reader.byte('section type')
    const data = new WireReader(reader.string('section'), 'KRL')
    if (type === certificateSection.serialList) readList(data, ranges)
    else if (type === certificateSection.serialRange) ranges.push(readRange(data))
    else if (type === certificateSection.serialBitmap) readBitmap(data, ranges)
    else if (type === certificateSection.keyId) keyIds.push(...readKeyIds(data))
    else throw reader.refusal(`certificate section of type ${type}`)
  }
  return { ca: blob.length > 0 ? parsePublicKey(blob) : undefined, serials: serialRanges([], ranges), keyIds }
}

function readList(reader: WireReader, ranges: SerialRange[]): void {
  while (!reader.atEnd) {
    const serial = reader.uint64('serial')
    if (serial === 0n) throw reader.refusal('serial 0 in a list')
    ranges.push({ first: serial, last: serial })
  }
}

function readRange(reader: WireReader): SerialRange {
  const range = { first: reader.uint64('first serial'), last: reader.uint64('last serial') }
  reader.end()
  if (range.first === 0n || range.last < range.first) throw reader.refusal(`no range of serials: ${range.first} to ${range.last}`)
  return range
}

function readBitmap(reader: WireReader, ranges: SerialRange[]): void {
  const offset = reader.uint64('bitmap offset')
  const bytes = reader.mpint('bitmap')
  reader.end()
  if (bytes.length * 8 > bitmapBitsMax) throw reader.refusal(`a bitmap of more than ${bitmapBitsMax} bits`)
  if (offset === 0n && isSet(bytes, 0)) throw reader.refusal('serial 0 in a bitmap')
  const top = offset + BigInt(Math.max(0, bytes.length * 8 - 1 - (Math.clz32(bytes[0] ?? 0) - 24)))
  if (top > serialsMax) throw reader.refusal(`serial ${top} in a bitmap`)
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    if (!isSet(bytes, bit)) continue
    const first = bit
    while (isSet(bytes, bit + 1)) bit++
    ranges.push({ first: offset + BigInt(first), last: offset + BigInt(bit) })
  }
}

/** Bit 0 is the lowest of the last byte. */
function isSet(bytes: Buffer, bit: number): boolean {
  return ((bytes[bytes.length - 1 - (bit >> 3)] ?? 0) & (1 << (bit & 7))) !== 0
}

function readKeyIds(reader: WireReader): readonly string[] {
  const keyIds: string[] = []
  while (!reader.atEnd) keyIds.push(reader.text('key id'))
  return keyIds
}

function readFingerprints(reader: WireReader): readonly Buffer[] {
  const fingerprints = readStrings(reader, 'fingerprint')
  if (fingerprints.some(hash => hash.length !== 32)) throw reader.refusal('a fingerprint has 32 bytes')
  return fingerprints
}

function readStrings(reader: WireReader, field: string): readonly Buffer[] {
  const strings: Buffer[] = []
  while (!reader.atEnd) strings.push(reader.string(field))
  return strings
}

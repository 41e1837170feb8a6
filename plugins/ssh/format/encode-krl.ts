import { BrokerError } from 'mayfly/plugin'
import { certificateSection, krlBytesMax, krlFormat, krlMagic, section } from './krl.ts'
import type { Krl, RevokedCertificates } from './krl.ts'
import { keyBlob } from './public-key.ts'
import type { SerialRange } from './serial-ranges.ts'
import { serialSections } from './serial-sections.ts'
import type { SerialSection } from './serial-sections.ts'
import { WireWriter } from './wire-writer.ts'

export function encodeKrl(krl: Krl): Buffer {
  const writer = new WireWriter().raw(krlMagic).uint32(krlFormat).uint64(krl.version).uint64(krl.generatedAt)
  writer.uint64(0n).string('').string('')
  for (const certificates of krl.certificates) {
    const data = encodeCertificates(certificates)
    if (data) writer.byte(section.certificates).string(data)
  }
  writeBlobs(writer, section.explicitKey, krl.keys.map(keyBlob))
  writeBlobs(
    writer,
    section.fingerprintSha256,
    krl.fingerprints.toSorted((a, b) => Buffer.compare(a, b))
  )
  const bytes = writer.finish()
  if (bytes.length > krlBytesMax)
    throw new BrokerError(
      'quota_exceeded',
      `KRL: ${bytes.length} bytes, hosts take at most ${krlBytesMax}: revoke the CA key instead of its certificates`
    )
  return bytes
}

function encodeCertificates({ ca, serials, keyIds }: RevokedCertificates): Buffer | undefined {
  if (serials.length === 0 && keyIds.length === 0) return undefined
  const writer = new WireWriter().string(ca ? keyBlob(ca) : '').string('')
  for (const one of serialSections(serials)) writeSerials(writer, one)
  writeBlobs(
    writer,
    certificateSection.keyId,
    keyIds.map(keyId => Buffer.from(keyId))
  )
  return writer.finish()
}

function writeSerials(writer: WireWriter, { kind, runs }: SerialSection): void {
  switch (kind) {
    case 'list':
      writer.byte(certificateSection.serialList).string(serialList(runs))
      break
    case 'range':
      for (const { first, last } of runs)
        writer.byte(certificateSection.serialRange).string(new WireWriter().uint64(first).uint64(last).finish())
      break
    case 'bitmap':
      writer.byte(certificateSection.serialBitmap).string(serialBitmap(runs))
  }
}

function serialList(runs: readonly SerialRange[]): Buffer {
  const writer = new WireWriter()
  for (const { first, last } of runs) for (let serial = first; serial <= last; serial++) writer.uint64(serial)
  return writer.finish()
}

/** Bit N stands for `offset + N`, and bit 0 is the lowest of the last byte. */
function serialBitmap(runs: readonly SerialRange[]): Buffer {
  const offset = runs[0]?.first ?? 0n
  const bits = Number((runs.at(-1)?.last ?? 0n) - offset) + 1
  const bytes = Buffer.alloc(Math.ceil(bits / 8))
  for (const { first, last } of runs)
    for (let bit = Number(first - offset); bit <= Number(last - offset); bit++) bytes[bytes.length - 1 - (bit >> 3)]! |= 1 << (bit & 7)
  return new WireWriter().uint64(offset).mpint(bytes).finish()
}

function writeBlobs(writer: WireWriter, type: number, blobs: readonly Buffer[]): void {
  if (blobs.length === 0) return
  const data = new WireWriter()
  for (const blob of blobs) data.string(blob)
  writer.byte(type).string(data.finish())
}

/** Certificates as nobody should make them: each field as the case wants it, signed all the same. */
import { certificateType, kindNumber } from '../../plugins/ssh/format/certificate.ts'
import { parseKeyLine } from '../../plugins/ssh/format/key-line.ts'
import { keyBlob, writeKeyFields } from '../../plugins/ssh/format/public-key.ts'
import type { Signer } from '../../plugins/ssh/format/signer.ts'
import { WireWriter } from '../../plugins/ssh/format/wire-writer.ts'

export interface RawCertificate {
  readonly nonce?: Uint8Array
  readonly serial?: bigint
  readonly kind?: 'user' | 'host' | number
  readonly keyId?: string
  readonly principals?: readonly string[]
  readonly after?: bigint
  readonly before?: bigint
  readonly critical?: readonly RawOption[]
  /** As bytes: whatever they are. */
  readonly extensions?: readonly RawOption[] | Buffer
  readonly reserved?: string
  /** What stands where the CA's key belongs. */
  readonly issuer?: Buffer
  /** What happens to the blob before it is written down. */
  readonly mend?: (blob: Buffer) => Buffer
}

/** A name and its data; the data as a text is a string inside a string, as it should be. */
export type RawOption = readonly [name: string, data?: string | Buffer]

const dayAgo = BigInt(Math.floor(Date.now() / 1_000) - 86_400)

/** One line, for the key in `publicKeyLine`. */
export async function rawCertificate(publicKeyLine: string, ca: Signer, fields: RawCertificate): Promise<string> {
  const { key } = parseKeyLine(publicKeyLine)
  const { kind = 'user' } = fields
  const writer = new WireWriter().string(certificateType(key.type)).string(fields.nonce ?? Buffer.alloc(32, 7))
  writeKeyFields(writer, key)
    .uint64(fields.serial ?? 100n)
    .uint32(typeof kind === 'number' ? kind : kindNumber[kind])
    .string(fields.keyId ?? 'alice@example.com')
    .string(strings(fields.principals ?? []))
    .uint64(fields.after ?? dayAgo)
    .uint64(fields.before ?? dayAgo + 10n * 86_400n)
    .string(options(fields.critical ?? []))
    .string(Buffer.isBuffer(fields.extensions) ? fields.extensions : options(fields.extensions ?? []))
    .string(fields.reserved ?? '')
    .string(fields.issuer ?? keyBlob(ca.publicKey))
  const signedPart = writer.finish()
  const blob = new WireWriter()
    .raw(signedPart)
    .string(await ca.sign(signedPart))
    .finish()
  return `${certificateType(key.type)} ${(fields.mend?.(blob) ?? blob).toString('base64')}`
}

function strings(texts: readonly string[]): Buffer {
  const writer = new WireWriter()
  for (const text of texts) writer.string(text)
  return writer.finish()
}

function options(all: readonly RawOption[]): Buffer {
  const writer = new WireWriter()
  for (const [name, data] of all)
    writer.string(name).string(data === undefined ? '' : typeof data === 'string' ? new WireWriter().string(data).finish() : data)
  return writer.finish()
}

/** A backup as a file: a line that says what it is, a header in clear, and the store in sealed chunks.
 *
 *    mayfly-backup 1\n
 *    length (4 bytes) | header (JSON): from when and of whom it is, how far the trail had come, and the seal's record
 *    length (4 bytes, the highest bit: the last one) | AES-256-GCM(chunk) | tag           … once for each MiB
 *
 *  The key is made from the barrier and a salt of this file alone, so that only what unseals the broker opens it. With one key a file, the nonce is the number of the
 *  chunk. Each chunk is bound to the header and to being the last or not: nothing can be cut, moved, mixed with another backup or relabelled (the STREAM construction,
 *  Hoang, Reyhanitabar, Rogaway, Vizár 2015). The seal's record is in it because without it nothing opens; it opens nothing without the seal. */
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import { Bytes } from './bytes.ts'
import { damaged } from './damaged.ts'
import { parseHeader } from './header.ts'
import type { BackupHeader } from './header.ts'

const magic = Buffer.from('mayfly-backup 1\n')
export const chunkBytes = 1_048_576
const tagBytes = 16
const headerBytesMax = 1_048_576
const lastBit = 0x8000_0000

/** `plain` in chunks of `chunkBytes`, the last one shorter or not. */
export async function* writeBackup(header: BackupHeader, key: Uint8Array, plain: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const text = Buffer.from(JSON.stringify(header))
  const front = Buffer.concat([magic, lengthOf(text), text])
  yield front
  const bound = boundTo(front)
  let number = 0
  let held: Uint8Array | undefined
  for await (const chunk of plain) {
    if (held) yield sealChunk(key, bound, number++, held, false)
    held = chunk
  }
  yield sealChunk(key, bound, number, held ?? new Uint8Array(0), true)
}

export interface ReadBackup {
  readonly header: BackupHeader
  /** Throws `integrity` at the first chunk that was cut, changed or moved. Only after the last one is anything of it good. */
  chunks(key: Uint8Array): AsyncIterable<Uint8Array>
}

export async function readBackup(source: AsyncIterable<Uint8Array>): Promise<ReadBackup> {
  const bytes = new Bytes(source)
  const { front, header } = await readFront(bytes)
  return { header, chunks: key => openChunks(bytes, key, boundTo(front), header.bytes) }
}

/** Whether all of a file is there, without a key: its frame alone. Throws `integrity`. */
export async function checkFrame(source: AsyncIterable<Uint8Array>): Promise<BackupHeader> {
  const bytes = new Bytes(source)
  const { header } = await readFront(bytes)
  for (let last = false; !last;) last = (await readChunk(bytes)).last
  if (!(await bytes.atEnd())) throw damaged('something follows its end')
  return header
}

async function readFront(bytes: Bytes): Promise<{ front: Buffer; header: BackupHeader }> {
  const first = await bytes.take(magic.length)
  if (!first?.equals(magic)) throw damaged('it is no backup of mayfly')
  const length = await bytes.take(4)
  const size = length?.readUInt32BE(0) ?? 0
  const text = size > headerBytesMax ? undefined : await bytes.take(size)
  if (!length || !text) throw damaged('its header was cut off')
  return { front: Buffer.concat([first, length, text]), header: parseHeader(text.toString()) }
}

async function* openChunks(bytes: Bytes, key: Uint8Array, bound: Buffer, wanted: number): AsyncGenerator<Uint8Array> {
  let found = 0
  for (let number = 0; ; number++) {
    const { sealed, last } = await readChunk(bytes)
    const plain = openChunk(key, bound, number, sealed, last)
    found += plain.length
    yield plain
    if (!last) continue
    if (found !== wanted || !(await bytes.atEnd())) throw damaged('it is longer or shorter than it says')
    return
  }
}

async function readChunk(bytes: Bytes): Promise<{ sealed: Buffer; last: boolean }> {
  const word = (await bytes.take(4))?.readUInt32BE(0)
  if (word === undefined) throw damaged('its end is missing')
  const size = word & ~lastBit
  if (size < tagBytes || size > chunkBytes + tagBytes) throw damaged('a chunk of it has no sensible length')
  const sealed = await bytes.take(size)
  if (!sealed) throw damaged('its end is missing')
  return { sealed, last: (word & lastBit) !== 0 }
}

function sealChunk(key: Uint8Array, bound: Buffer, number: number, plain: Uint8Array, last: boolean): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, nonceOf(number), { authTagLength: tagBytes }).setAAD(associated(bound, last))
  const text = cipher.update(plain)
  cipher.final()
  const word = Buffer.alloc(4)
  word.writeUInt32BE((text.length + tagBytes + (last ? lastBit : 0)) >>> 0)
  return Buffer.concat([word, text, cipher.getAuthTag()])
}

function openChunk(key: Uint8Array, bound: Buffer, number: number, sealed: Buffer, last: boolean): Uint8Array {
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(number), { authTagLength: tagBytes })
  decipher.setAAD(associated(bound, last)).setAuthTag(sealed.subarray(-tagBytes))
  const plain = decipher.update(sealed.subarray(0, -tagBytes))
  try {
    decipher.final()
    return plain
  } catch {
    throw damaged(`chunk ${number} of it was changed, or belongs to another backup`)
  }
}

function boundTo(front: Buffer): Buffer {
  return createHash('sha256').update(front).digest()
}

function associated(bound: Buffer, last: boolean): Buffer {
  return Buffer.concat([bound, Buffer.from([last ? 1 : 0])])
}

function nonceOf(number: number): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUIntBE(number, 6, 6)
  return nonce
}

function lengthOf(bytes: Buffer): Buffer {
  const word = Buffer.alloc(4)
  word.writeUInt32BE(bytes.length)
  return word
}

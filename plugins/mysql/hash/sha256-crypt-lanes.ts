import { digestBytes, encoded, preparation, rounds, sha256Crypt } from './sha256-crypt.ts'
import type { Preparation, ToCrypt } from './sha256-crypt.ts'
import { lanes, sha256Lanes } from './sha256-lanes.ts'
import type { Sha256Lanes } from './sha256-lanes.ts'

/** Of so many bytes at most, all of one length: 42 texts with it twice have room in one page. */
export const passwordBytesMax = 128

const blockBytes = 64

interface Turn {
  readonly from: number
  readonly to: number
  readonly gap: number
  readonly shift: number
}

let sha256: Sha256Lanes | null | undefined

/** One to four passwords of one length in the time of one and a half; one after the other where the processor cannot. */
export function sha256CryptLanes(asked: readonly ToCrypt[]): readonly string[] {
  if (sha256 === undefined) sha256 = sha256Lanes() ?? null
  return sha256 ? sideBySide(sha256, asked) : asked.map(sha256Crypt)
}

function sideBySide({ memory, hash, put }: Sha256Lanes, asked: readonly ToCrypt[]): readonly string[] {
  const prepared = Array.from({ length: lanes }, (_, lane) => preparation(asked[lane] ?? asked[0]!))
  const turns = layOut(memory, prepared)
  for (let round = 0; round < rounds; round++) {
    const { from, to, gap, shift } = turns[round % turns.length]!
    put(gap, shift)
    hash(from, to)
  }
  const hashes = asked.map((_, lane) => encoded(digestOf(memory, lane)))
  memory.fill(0)
  return hashes
}

/** The first digest, and behind it the 42 texts, padded. */
function layOut(memory: Uint32Array, prepared: readonly Preparation[]): readonly Turn[] {
  let word = digestBytes / 4
  prepared.forEach(({ first }, lane) => write(memory, 0, lane, first))
  return prepared[0]!.turns.map(({ input, at }, index) => {
    const from = word
    const bytes = Math.ceil((input.length + 9) / blockBytes) * blockBytes
    prepared.forEach(({ turns }, lane) => write(memory, from, lane, padded(turns[index]!.input, bytes)))
    word += bytes / 4
    return { from: place(from), to: place(word), gap: place(from + (at >> 2)), shift: (at & 3) * 8 }
  })
}

const place = (word: number): number => word * lanes * 4

/** FIPS 180-4, 5.1.1. */
function padded(text: Buffer, bytes: number): Buffer {
  const block = Buffer.alloc(bytes)
  text.copy(block)
  block[text.length] = 0x80
  block.writeUInt32BE(text.length * 8, bytes - 4)
  return block
}

function write(memory: Uint32Array, word: number, lane: number, text: Buffer): void {
  for (let at = 0; at < text.length; at += 4) memory[(word + at / 4) * lanes + lane] = text.readUInt32BE(at)
}

function digestOf(memory: Uint32Array, lane: number): Buffer {
  const digest = Buffer.alloc(digestBytes)
  for (let at = 0; at < digestBytes; at += 4) digest.writeUInt32BE(memory[(at / 4) * lanes + lane]!, at)
  return digest
}

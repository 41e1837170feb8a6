/** What `caching_sha2_password` keeps: SHA-256-crypt (Drepper, 2007) of 5,000 rounds, with a salt of 20 bytes that is not cut to 16. 1 to 2 ms of one core: never on the event loop. */
import { hash } from 'node:crypto'
import type { Random } from 'mayfly/plugin'

export const rounds = 5_000
const saltLength = 20
export const digestBytes = 32
const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const saltAlphabet = alphabet.slice(2)
/** Which three bytes of the digest make four characters. */
const triples = [
  [0, 10, 20],
  [21, 1, 11],
  [12, 22, 2],
  [3, 13, 23],
  [24, 4, 14],
  [15, 25, 5],
  [6, 16, 26],
  [27, 7, 17],
  [18, 28, 8],
  [9, 19, 29]
] as const

export const newSalt = (random: Random): string =>
  Array.from(random.bytes(saltLength), byte => saltAlphabet[byte % saltAlphabet.length]).join('')

export interface ToCrypt {
  readonly password: Buffer
  readonly salt: Buffer
}

export function sha256Crypt(asked: ToCrypt): string {
  const { first, turns } = preparation(asked)
  // Bytes as characters: a buffer for each round would cost five times the round.
  let digest = first.toString('latin1')
  for (let round = 0; round < rounds; round++) {
    const { input, at } = turns[round % turns.length]!
    input.write(digest, at, 'latin1')
    digest = hash('sha256', input, 'latin1')
  }
  return encoded(Buffer.from(digest, 'latin1'))
}

export interface Preparation {
  /** What the first round takes for the digest of the round before. */
  readonly first: Buffer
  /** What is hashed repeats after 42 rounds, but for the digest of the round before: 42 texts with a gap for it. */
  readonly turns: readonly { readonly input: Buffer; readonly at: number }[]
}

export function preparation({ password, salt }: ToCrypt): Preparation {
  const p = stretched(sha256(...Array.from({ length: password.length }, () => password)), password.length)
  const first = firstDigest(password, salt)
  const s = stretched(sha256(...Array.from({ length: 16 + first[0]! }, () => salt)), salt.length)
  return { first, turns: Array.from({ length: 42 }, (_, round) => turn(round, p, s)) }
}

function turn(round: number, p: Buffer, s: Buffer) {
  const gap = Buffer.alloc(digestBytes)
  const odd = (round & 1) === 1
  const middle = [...(round % 3 === 0 ? [] : [s]), ...(round % 7 === 0 ? [] : [p])]
  const input = Buffer.concat(odd ? [p, ...middle, gap] : [gap, ...middle, p])
  return { input, at: odd ? input.length - digestBytes : 0 }
}

function firstDigest(password: Buffer, salt: Buffer): Buffer {
  const other = sha256(password, salt, password)
  const bits: Buffer[] = []
  for (let left = password.length; left > 0; left >>= 1) bits.push((left & 1) === 1 ? other : password)
  return sha256(password, salt, stretched(other, password.length), ...bits)
}

const sha256 = (...parts: readonly Buffer[]): Buffer => hash('sha256', Buffer.concat(parts), 'buffer')

const stretched = (digest: Buffer, length: number): Buffer => Buffer.alloc(length, digest)

export function encoded(digest: Buffer): string {
  const four = triples.map(([a, b, c]) => characters((digest[a]! << 16) | (digest[b]! << 8) | digest[c]!, 4))
  return four.join('') + characters((digest[31]! << 8) | digest[30]!, 3)
}

/** Six bits each, the lowest first. */
const characters = (value: number, count: number): string =>
  Array.from({ length: count }, (_, at) => alphabet[(value >> (6 * at)) & 63]).join('')

/** SHA-256 (FIPS 180-4) over four texts of one length side by side, in the vector instructions of WebAssembly: for 5,000 small hashes in a row the calls of `node:crypto` cost five times what
 *  they do. The module is put together here, instruction by instruction, when it is first wanted: nothing binary lies in the repository. */
import { roundConstants, startState } from './sha256-constants.ts'

export const lanes = 4
const blockWords = 16
/** A word of each text: they lie beside each other. */
const wordBytes = 4 * lanes

export interface Sha256Lanes {
  /** The digest first, eight words; what comes behind it is the caller's. */
  readonly memory: Uint32Array<ArrayBuffer>
  /** Hashes the blocks from byte `from` to byte `to`, padded as they lie there, into the digest. */
  readonly hash: (from: number, to: number) => void
  /** Puts the digest at byte `at`, `shift` bits further to the right. */
  readonly put: (at: number, shift: number) => void
}

/** What is used of it. Its types come with those of a browser, which are not here. */
declare const WebAssembly: {
  readonly validate: (bytes: Uint8Array) => boolean
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer }
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: Record<string, Record<string, object>>) => { readonly exports: object }
}

/** Nothing on a processor without these instructions, which is what some virtual machines show. */
export function sha256Lanes(): Sha256Lanes | undefined {
  const code = new Uint8Array(moduleBytes())
  if (!WebAssembly.validate(code)) return undefined
  // A page: 64 kB.
  const memory = new WebAssembly.Memory({ initial: 1 })
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code), { m: { m: memory } })
  const { hash, put } = exports as Pick<Sha256Lanes, 'hash' | 'put'>
  return { memory: new Uint32Array(memory.buffer), hash, put }
}

type Code = readonly number[]

const [i32, v128] = [0x7f, 0x7b]
const [first, second] = [0, 1]
/** Locals behind the two parameters: the state that the rounds work on, the last 16 words of the schedule, and the state before the block. */
const [state, schedule, before] = [2, 2 + startState.length, 2 + startState.length + blockWords]

const leb = (value: number): Code => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)])
const signedLeb = (value: number): Code =>
  value >= -0x40 && value < 0x40 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signedLeb(value >> 7)]
const vector = (code: number): Code => [0xfd, ...leb(code)]

const get = (local: number): Code => [0x20, ...leb(local)]
const set = (local: number): Code => [0x21, ...leb(local)]
const tee = (local: number): Code => [0x22, ...leb(local)]
const [plus, minus] = [[0x6a], [0x6b]]
const loop: Code = [0x03, 0x40]
/** `i32.lt_u`, `br_if 0`, and the end of the loop. */
const againWhereBelow: Code = [0x49, 0x0d, 0, 0x0b]
const number = (value: number): Code => [0x41, ...signedLeb(value)]
const load = (at: Code, offset: number): Code => [...at, ...vector(0x00), 4, ...leb(offset)]
const store = (at: Code, offset: number, value: Code): Code => [...at, ...value, ...vector(0x0b), 4, ...leb(offset)]
const everywhere = (word: number): Code => [...vector(0x0c), ...new Uint8Array(new Uint32Array(lanes).fill(word).buffer)]

const fold =
  (code: number) =>
  (...[head, ...rest]: readonly Code[]): Code =>
    rest.reduce((left, right) => [...left, ...right, ...vector(code)], head!)
const [add, or, xor] = [fold(0xae), fold(0x50), fold(0x51)]
const shiftedLeft = (word: Code, bits: Code): Code => [...word, ...bits, ...vector(0xab)]
const shiftedRight = (word: Code, bits: Code): Code => [...word, ...bits, ...vector(0xad)]
const rotated = (word: Code, bits: number): Code => or(shiftedRight(word, number(bits)), shiftedLeft(word, number(32 - bits)))
/** Of `yes` the bits that are set in `mask`, of `no` the others. */
const chosen = (yes: Code, no: Code, mask: Code): Code => [...yes, ...no, ...mask, ...vector(0x52)]

/** 6.2.2, step 1: the schedule lies in a ring. */
function scheduled(round: number): Code {
  const at = (back: number) => get(schedule + ((round + blockWords - back) % blockWords))
  if (round < blockWords) return [...load(get(first), round * wordBytes), ...set(schedule + round)]
  const [old, near] = [at(15), at(2)]
  const small0 = xor(rotated(old, 7), rotated(old, 18), shiftedRight(old, number(3)))
  const small1 = xor(rotated(near, 17), rotated(near, 19), shiftedRight(near, number(10)))
  return [...add(at(16), small0, at(7), small1), ...set(schedule + (round % blockWords))]
}

/** Step 3. In place of moving all eight words each round, their names move. */
function compressed(round: number): Code {
  const local = (name: number) => state + ((name + 8 * rounds - round) % 8)
  const [a, b, c] = [get(local(0)), get(local(1)), get(local(2))]
  const [e, f, g, h] = [get(local(4)), get(local(5)), get(local(6)), get(local(7))]
  const big1 = xor(rotated(e, 6), rotated(e, 11), rotated(e, 25))
  const big0 = xor(rotated(a, 2), rotated(a, 13), rotated(a, 22))
  const constant = everywhere(roundConstants[round]!)
  return [
    ...add(h, big1, chosen(f, g, e), add(constant, get(schedule + (round % blockWords)))),
    ...set(local(7)),
    ...add(get(local(3)), get(local(7))),
    ...set(local(3)),
    ...add(get(local(7)), big0, chosen(c, a, xor(a, b))),
    ...set(local(7))
  ]
}

const rounds = roundConstants.length
const each = (count: number, code: (index: number) => Code): Code => Array.from({ length: count }, (_, index) => code(index)).flat()

function hashBody(): Code {
  const words = startState.length
  return [
    ...each(words, word => [...everywhere(startState[word]!), ...set(state + word)]),
    ...loop,
    ...each(words, word => [...get(state + word), ...set(before + word)]),
    ...each(rounds, round => [...scheduled(round), ...compressed(round)]),
    ...each(words, word => [...add(get(state + word), get(before + word)), ...set(state + word)]),
    // Again where `from`, a block further, is below `to`.
    ...get(first),
    ...number(blockWords * wordBytes),
    ...plus,
    ...tee(first),
    ...get(second),
    ...againWhereBelow,
    ...each(words, word => store(number(0), word * wordBytes, get(state + word)))
  ]
}

/** Nine words, of which the first and the last are the digest's in part. A shift of the vectors is taken modulo 32: hence the two on the left. */
function putBody(): Code {
  const shift = get(second)
  const mask = shiftedRight(everywhere(0xffffffff), shift)
  const left = (word: number): Code =>
    shiftedLeft(shiftedLeft(load(number(0), word * wordBytes), number(1)), [...number(31), ...shift, ...minus])
  const right = (word: number): Code => shiftedRight(load(number(0), word * wordBytes), shift)
  const there = (word: number): Code => load(get(first), word * wordBytes)
  const last = startState.length
  return [
    ...store(get(first), 0, chosen(right(0), there(0), mask)),
    ...each(last - 1, word => store(get(first), (word + 1) * wordBytes, or(left(word), right(word + 1)))),
    ...store(get(first), last * wordBytes, chosen(there(last), left(last - 1), mask))
  ]
}

function moduleBytes(): Code {
  const list = (items: readonly Code[]): Code => [...leb(items.length), ...items.flat()]
  const sized = (bytes: Code): Code => [...leb(bytes.length), ...bytes]
  const section = (id: number, items: readonly Code[]): Code => [id, ...sized(list(items))]
  const name = (text: string): Code => sized([...Buffer.from(text)])
  const body = (vectors: number, code: Code): Code => sized([...list([[...leb(vectors), v128]]), ...code, 0x0b])
  return [
    ...Buffer.from('\0asm\x01\0\0\0'),
    ...section(1, [[0x60, ...list([[i32], [i32]]), 0]]),
    ...section(2, [[...name('m'), ...name('m'), 2, 0, 1]]),
    ...section(3, [[0], [0]]),
    ...section(7, [
      [...name('hash'), 0, 0],
      [...name('put'), 0, 1]
    ]),
    ...section(10, [body(before + startState.length - 2, hashBody()), body(0, putBody())])
  ]
}

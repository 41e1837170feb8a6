/** What sshd does with KRLs: ours, and those that nobody should publish. `none` stands for a host where nobody gets in any more, `open` for one where the revoked do. */
import { createHash } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { encodeKrl } from '../../../plugins/ssh/format/encode-krl.ts'
import { bitmapBitsMax } from '../../../plugins/ssh/format/krl.ts'
import type { Krl } from '../../../plugins/ssh/format/krl.ts'
import { parseKeyLine } from '../../../plugins/ssh/format/key-line.ts'
import { keyBlob } from '../../../plugins/ssh/format/public-key.ts'
import { serialRanges } from '../../../plugins/ssh/format/serial-ranges.ts'
import { WireWriter } from '../../../plugins/ssh/format/wire-writer.ts'
import { missing } from '../../targets/missing.ts'
import { rawCertificate } from '../../targets/raw-certificate.ts'
import { SshdStand } from '../../targets/sshd-once.ts'
import { sshdMissing } from '../../targets/sshd-programs.ts'
import { ed25519, isAccepted, keyLineOf, linesOf } from '../../targets/sshd-stand.ts'

const ours = (more: Partial<Krl>): Buffer =>
  encodeKrl({ version: 7n, generatedAt: 1_767_225_600n, certificates: [], keys: [], fingerprints: [], ...more })

const upTo = (count: bigint, step: bigint): readonly bigint[] => Array.from({ length: Number(count) }, (_, at) => 1n + BigInt(at) * step)

const section = (type: number, data: Buffer): Buffer => new WireWriter().byte(type).string(data).finish()

const bitmap = (bits: number): Buffer => {
  const bytes = Buffer.alloc(Math.ceil(bits / 8))
  bytes[0] = 1 << ((bits - 1) & 7)
  return new WireWriter().uint64(1n).string(bytes).finish()
}

const listed = (...all: readonly bigint[]): Buffer => {
  const writer = new WireWriter()
  for (const serial of all) writer.uint64(serial)
  return section(0x20, writer.finish())
}

const extension = (critical: boolean): Buffer =>
  section(
    255,
    new WireWriter()
      .string('x@example.com')
      .byte(critical ? 1 : 0)
      .string('')
      .finish()
  )

const bits = (offset: bigint, ...bytes: readonly number[]): Buffer =>
  section(0x22, new WireWriter().uint64(offset).string(Buffer.from(bytes)).finish())
const hashes = (type: number, ...all: readonly Buffer[]): Buffer => {
  const writer = new WireWriter()
  for (const hash of all) writer.string(hash)
  return section(type, writer.finish())
}
const sha = (algorithm: string, blob: Uint8Array): Buffer => createHash(algorithm).update(blob).digest()

describe.skipIf(missing(sshdMissing()))('a KRL at a real sshd', async () => {
  const stand = new SshdStand()
  afterAll(() => stand[Symbol.dispose]())
  const ca = ed25519()
  const other = ed25519()
  const caBlob = keyBlob(ca.publicKey)
  const trusting = `TrustedUserCAKeys ${stand.file('ca.pub', linesOf(ca, other))}`
  const key = stand.key('id')
  const subject = parseKeyLine(keyLineOf(key)).key
  let count = 0

  async function login(krl: Uint8Array | string | null, fields: { serial?: bigint; keyId?: string } = {}, signer = ca) {
    const file = krl === null ? `${stand.folder}/no-such-krl` : stand.file(`krl-${++count}`, krl)
    const certificate = await rawCertificate(keyLineOf(key), signer, { principals: [stand.user], ...fields })
    return stand.login({ config: [trusting, `RevokedKeys ${file}`], key, certificate })
  }

  const serials = (all: readonly bigint[], issuer: typeof ca.publicKey | undefined = ca.publicKey): Buffer =>
    ours({ certificates: [{ ca: issuer, serials: serialRanges(all), keyIds: [] }] })

  test.concurrent.each<[result: string, what: string, () => Buffer, { serial?: bigint; keyId?: string }?]>([
    ['A', 'empty', () => ours({})],
    ['A', 'a list without it', () => serials([5n, 900n])],
    ['R', 'a list with it', () => serials([5n, 100n, 900n])],
    ['A', 'a range beside it', () => serials([...Array(60).keys()].map(n => 101n + BigInt(n)))],
    ['R', 'a range around it', () => serials([...Array(200).keys()].map(n => 1n + BigInt(n)))],
    ['A', 'a bitmap without it', () => serials(upTo(200n, 2n))],
    ['R', 'a bitmap with it', () => serials(upTo(200n, 3n))],
    ['R', 'the last bit of the longest bitmap', () => serials(upTo(8_192n, 2n)), { serial: 16_383n }],
    ['A', 'the bit before it', () => serials(upTo(8_192n, 2n)), { serial: 16_382n }],
    ['R', 'what needs more than one bitmap', () => serials(upTo(20_000n, 2n)), { serial: 39_999n }],
    ['A', 'a gap in what needs more than one', () => serials(upTo(20_000n, 2n)), { serial: 39_998n }],
    ['R', 'the last serial', () => serials([2n ** 64n - 1n]), { serial: 2n ** 64n - 1n }],
    ['A', 'another key id', () => ours({ certificates: [{ ca: ca.publicKey, serials: [], keyIds: ['bob'] }] })],
    ['R', 'its key id', () => ours({ certificates: [{ ca: ca.publicKey, serials: [], keyIds: ['alice@example.com'] }] })],
    ['A', 'its serial under another CA', () => serials([100n], other.publicKey)],
    ['R', 'its serial under any CA', () => ours({ certificates: [{ ca: undefined, serials: serialRanges([100n]), keyIds: [] }] })],
    [
      'R',
      'its CA as the second of two',
      () => ours({ certificates: [other, ca].map(({ publicKey }) => ({ ca: publicKey, serials: serialRanges([100n]), keyIds: [] })) })
    ],
    [
      'R',
      'its key id, whatever its serial',
      () => ours({ certificates: [{ ca: ca.publicKey, serials: [], keyIds: ['alice@example.com'] }] }),
      { serial: 0n }
    ],
    ['R', 'its key', () => ours({ keys: [subject] })],
    ['R', 'its CA as a key', () => ours({ keys: [ca.publicKey] })],
    ['R', 'the SHA-256 of its key', () => ours({ fingerprints: [createHash('sha256').update(keyBlob(subject)).digest()] })],
    ['A', 'serial 0, which no list reaches', () => serials(upTo(9n, 1n)), { serial: 0n }]
  ])('of ours, %s: %s', async (result, _what, krl, fields) => {
    expect(await login(krl(), fields)).toMatchObject({ accepted: isAccepted(result) })
  })

  const header = ours({})
  const revoked = (...parts: readonly Buffer[]): Buffer =>
    section(1, Buffer.concat([new WireWriter().string(caBlob).string('').finish(), ...parts]))

  const allSerials = section(
    0x21,
    new WireWriter()
      .uint64(1n)
      .uint64(2n ** 64n - 1n)
      .finish()
  )
  /** Its own certificate, and another for the same key. */
  const line = await rawCertificate(keyLineOf(key), ca, { principals: [stand.user] })
  const otherLine = await rawCertificate(keyLineOf(key), other, { principals: ['x'], serial: 3n })
  const lineBlob = Buffer.from(line.split(' ')[1]!, 'base64')
  const ownExtension = section(0x39, new WireWriter().string('x@example.com').byte(0).string('').finish())

  /** A signature inside the list, as nobody writes it any more: of all before it, the key that made it included. */
  const signed = async (list: Buffer, mend = (text: Buffer): Buffer => text): Promise<Buffer> => {
    const text = new WireWriter().raw(list).byte(4).string(keyBlob(other.publicKey)).finish()
    return new WireWriter()
      .raw(text)
      .string(await other.sign(mend(text)))
      .finish()
  }
  const [signedMiss, signedHit] = [await signed(serials([5n])), await signed(serials([100n]))]
  const signedElse = await signed(serials([5n]), () => Buffer.from('something else'))

  test.concurrent.each<[result: string, what: string, krl: Uint8Array | string | null, serial?: bigint]>([
    ['A', 'a signature inside, and not this certificate', signedMiss],
    ['R', 'a signature inside, and this certificate', signedHit],
    ['RRAA', 'a signature inside that is not good', signedElse],
    ['R', 'a bitmap whose first bit is the first of a byte', Buffer.concat([header, revoked(bits(93n, 0, 0x80))])],
    ['R', 'the last of 16,384 bits', Buffer.concat([header, revoked(bits(1n, 0, 0x80, ...Buffer.alloc(2_047)))]), 16_384n],
    ['R', 'none: the bit of serial 0', Buffer.concat([header, revoked(bits(0n, 1))])],
    ['A', 'all serials, which 0 is none of', Buffer.concat([header, revoked(allSerials)]), 0n],
    ['A', 'a certificate in the place of its key', Buffer.concat([header, hashes(2, lineBlob)])],
    ['R', 'hashes that are not sorted', Buffer.concat([header, hashes(5, Buffer.alloc(32, 255), sha('sha256', keyBlob(subject)))])],
    ['R', 'the SHA-1 of its CA', Buffer.concat([header, hashes(3, sha('sha1', caBlob))])],
    ['RRAA', 'an extension of a CA that is not critical', Buffer.concat([header, revoked(ownExtension)])],
    ['R', 'a text of keys with its certificate', `${line}\n`],
    ['R', 'a text of keys with another certificate of its key', `${otherLine}\n`],
    ['A', 'open: no bytes', ''],
    ['A', 'open: cut at a section boundary', header],
    ['R', 'an unsorted list', Buffer.concat([header, revoked(listed(900n, 100n, 5n))])],
    ['R', 'none: missing', null],
    ['R', 'none: garbage', 'garbage\n'],
    [
      'R',
      'none: a range the wrong way round',
      Buffer.concat([header, revoked(section(0x21, new WireWriter().uint64(9n).uint64(5n).finish()))])
    ],
    ['R', 'none: a bitmap without its leading zero', Buffer.concat([header, revoked(section(0x22, bitmap(8)))])],
    ['R', 'none: a bitmap of one bit too many', Buffer.concat([header, revoked(section(0x22, bitmap(bitmapBitsMax + 1)))])],
    ['R', 'none: serial 0 in a list', Buffer.concat([header, revoked(listed(0n))])],
    ['R', 'none: a critical extension', Buffer.concat([header, extension(true)])],
    ['R', 'none: an unknown section', Buffer.concat([header, section(77, Buffer.from('x'))])],
    ['R', 'none: another version of the format', Buffer.concat([header.subarray(0, 8), Buffer.from([0, 0, 0, 2]), header.subarray(12)])],
    ['R', 'none: cut inside a section', serials([5n, 900n]).subarray(0, -3)],
    ['R', 'none: seven bytes', header.subarray(0, 7)],
    ['R', 'none: eight bytes', header.subarray(0, 8)],
    ['R', 'a text of keys with its key', keyLineOf(key)],
    ['R', 'a text of keys with its CA', linesOf(ca)],
    ['RRAA', 'an extension that is not critical', Buffer.concat([header, extension(false)])]
  ])('of others, %s: %s', async (result, _what, krl, serial) => {
    expect(await login(krl, serial === undefined ? {} : { serial })).toMatchObject({ accepted: isAccepted(result) })
  })

  test.concurrent('of two on one line, both count from 10.3 on, and before it nobody gets in', async () => {
    const files = [ours({}), serials([100n])].map((bytes, at) => stand.file(`one-of-two-${at}`, bytes))
    const both = { config: [trusting, `RevokedKeys ${files.join(' ')}`], key }
    const certificate = (serial: bigint) => rawCertificate(keyLineOf(key), ca, { principals: [stand.user], serial })
    expect(await stand.login({ ...both, certificate: await certificate(100n) })).toMatchObject({ accepted: false })
    expect(await stand.login({ ...both, certificate: await certificate(101n) })).toMatchObject({ accepted: isAccepted('RRRA') })
  })
})

import { createHash } from 'node:crypto'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CertificateFields } from '../../../../plugins/ssh/format/certificate.ts'
import { encodeKrl } from '../../../../plugins/ssh/format/encode-krl.ts'
import { writeKeyLine } from '../../../../plugins/ssh/format/key-line.ts'
import { publicPart } from '../../../../plugins/ssh/format/key-object.ts'
import { isCertificateRevoked, isKeyRevoked } from '../../../../plugins/ssh/format/krl-check.ts'
import type { Krl, RevokedCertificates } from '../../../../plugins/ssh/format/krl.ts'
import { parseKrl } from '../../../../plugins/ssh/format/parse-krl.ts'
import { fingerprint, keyBlob } from '../../../../plugins/ssh/format/public-key.ts'
import { holdsSerial, serialRanges } from '../../../../plugins/ssh/format/serial-ranges.ts'
import type { SerialRange } from '../../../../plugins/ssh/format/serial-ranges.ts'
import { serialSections } from '../../../../plugins/ssh/format/serial-sections.ts'
import { certificateLine, signCertificate } from '../../../../plugins/ssh/format/sign-certificate.ts'
import { signerOf } from '../../../../plugins/ssh/format/signer.ts'
import { signerOfMessage, signMessage } from '../../../../plugins/ssh/format/sshsig.ts'
import { WireWriter } from '../../../../plugins/ssh/format/wire-writer.ts'
import { privateKeys, subjectKey } from './arbitraries.ts'
import { KeygenFolder, noKeygen } from './ssh-keygen.ts'

const ca = publicPart(privateKeys.ed25519)
const otherCa = publicPart(privateKeys.p256)
const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest()

const list = (certificates: readonly RevokedCertificates[], more: Partial<Krl> = {}): Krl => ({
  version: 1n,
  generatedAt: 1767225600n,
  certificates,
  keys: [],
  fingerprints: [],
  ...more
})
const revoked = (serials: readonly SerialRange[], more: Partial<RevokedCertificates> = {}): RevokedCertificates => ({
  ca,
  serials,
  keyIds: [],
  ...more
})

/** Serials as they come: dense in places, far apart in others, to the very ends of the number. */
const clump = fc
  .tuple(
    fc.oneof(fc.bigInt({ min: 1n, max: 100_000n }), fc.bigInt({ min: 1n, max: 2n ** 64n - 1n })),
    fc.array(fc.oneof(fc.nat(3), fc.nat(200), fc.nat(20_000)), { maxLength: 60 })
  )
  .map(([start, gaps]) => {
    const serials = [start]
    for (const gap of gaps) serials.push(serials.at(-1)! + BigInt(gap) + 1n)
    return serials.filter(serial => serial < 2n ** 64n)
  })
const span = fc
  .tuple(
    fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }),
    fc.oneof(fc.bigInt({ min: 0n, max: 40_000n }), fc.bigInt({ min: 0n, max: 2n ** 64n }))
  )
  .map(([first, length]) => ({ first, last: first + length < 2n ** 64n ? first + length : 2n ** 64n - 1n }))
const serials = fc
  .tuple(fc.array(clump, { maxLength: 4 }), fc.array(span, { maxLength: 3 }))
  .map(([clumps, spans]) => serialRanges(clumps.flat(), spans))

const keyIds = fc
  .uniqueArray(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9 ._:@/-]{0,40}[A-Za-z0-9]$/), { maxLength: 4 })
  .map(ids => ids.toSorted())
const krls: fc.Arbitrary<Krl> = fc.record({
  version: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  generatedAt: fc.bigInt({ min: 0n, max: 2n ** 33n }),
  certificates: fc
    .tuple(serials, keyIds, serials, serials)
    .map(([mine, ids, others, all]) =>
      [revoked(mine, { keyIds: ids }), revoked(others, { ca: otherCa }), revoked(all, { ca: undefined })].filter(
        one => one.serials.length + one.keyIds.length > 0
      )
    ),
  keys: fc.uniqueArray(subjectKey, { selector: fingerprint, maxLength: 3 }),
  fingerprints: fc
    .uniqueArray(fc.uint8Array({ minLength: 32, maxLength: 32 }), { selector: one => Buffer.from(one).toString('hex'), maxLength: 3 })
    .map(hashes => hashes.map(hash => Buffer.from(hash)).toSorted((a, b) => Buffer.compare(a, b)))
})

test('what is written reads back as it was', () => {
  const property = fc.property(krls, krl => {
    expect(parseKrl(encodeKrl(krl))).toEqual(krl)
  })
  fc.assert(property, { numRuns: 300 })
})

test('the sections are the cheapest that there are, but for the bytes by which bitmaps are rounded', () => {
  const few = fc
    .array(fc.tuple(fc.oneof(fc.nat(10), fc.nat(200), fc.nat(40_000)), fc.oneof(fc.nat(3), fc.nat(60))), { minLength: 1, maxLength: 6 })
    .map(pairs => {
      let next = 1n
      return pairs.map(([gap, length]) => {
        const first = next + BigInt(gap)
        next = first + BigInt(length) + 2n
        return { first, last: first + BigInt(length) }
      })
    })
  const property = fc.property(few, runs => {
    const sections = serialSections(runs)
    const bytes = sections.map(({ kind, runs }) => cost(kind, runs)).reduce((a, b) => a + b, 0)
    expect(bytes).toBeLessThanOrEqual(cheapest(runs) + runs.length)
  })
  fc.assert(property, { numRuns: 1_000 })
})

/** Bytes of a section, from the table of the format. */
function cost(kind: 'list' | 'range' | 'bitmap', runs: readonly SerialRange[]): number {
  const bits = Number(runs.at(-1)!.last - runs[0]!.first) + 1
  if (kind === 'list') return 5 + 8 * runs.reduce((sum, { first, last }) => sum + Number(last - first) + 1, 0)
  if (kind === 'range') return 21 * runs.length
  return bits > 16_384 ? Infinity : 17 + Math.floor(bits / 8) + 1
}

/** By trying everything. */
function cheapest(runs: readonly SerialRange[]): number {
  if (runs.length === 0) return 0
  const options = runs.map((_, at) => {
    const [head, rest] = [runs.slice(0, at + 1), runs.slice(at + 1)]
    return Math.min(...(['list', 'range', 'bitmap'] as const).map(kind => cost(kind, head))) + cheapest(rest)
  })
  return Math.min(...options)
}

test('no section is dearer than a list, and none is above the cap of sshd', () => {
  const property = fc.property(serials, runs => {
    const sections = serialSections(runs)
    expect(sections.flatMap(section => section.runs)).toEqual(runs)
    for (const { kind, runs } of sections) if (kind === 'bitmap') expect(runs.at(-1)!.last - runs[0]!.first).toBeLessThan(16_384n)
    const single = runs.every(({ first, last }) => first === last)
    if (single) expect(encodeKrl(list([revoked(runs)])).length).toBeLessThanOrEqual(Math.max(44, 113 + 8 * runs.length))
  })
  fc.assert(property, { numRuns: 300 })
})

test.skipIf(noKeygen)('ssh-keygen reads every list as the same serials, key ids and keys', () => {
  using folder = new KeygenFolder()
  const property = fc.property(krls, krl => {
    const listed = folder.run(['-Q', '-l', '-f', folder.file('krl', encodeKrl(krl))])
    expect(toldBy(listed)).toEqual(told(krl))
  })
  fc.assert(property, { numRuns: 100 })
})

interface Told {
  readonly version: string
  readonly certificates: readonly { readonly ca: string; readonly entries: readonly string[] }[]
  readonly hashes: readonly string[]
}

function told({ version, certificates, keys, fingerprints }: Krl): Told {
  return {
    version: String(version),
    certificates: certificates
      .map(({ ca, serials, keyIds }) => ({
        ca: ca ? `${ca.type} ${fingerprint(ca)}` : 'Wildcard CA',
        entries: [
          ...serials.map(({ first, last }) => (first === last ? `serial: ${first}` : `serial: ${first}-${last}`)),
          ...keyIds.map(id => `id: ${id}`)
        ]
      }))
      .toSorted(byCa),
    hashes: [
      ...fingerprints.map(hash => `hash: SHA256:${hash.toString('hex')}`),
      ...keys.map(key => `hash: ${fingerprint(key)}`)
    ].toSorted()
  }
}

/** The words of `ssh-keygen -Ql`. */
function toldBy(listed: string): Told {
  const sections: { ca: string; entries: string[] }[] = []
  const hashes: string[] = []
  let version = ''
  for (const line of listed.split('\n')) {
    if (line.startsWith('# KRL version ')) version = line.slice('# KRL version '.length)
    else if (line.startsWith('# CA key ')) sections.push({ ca: line.slice('# CA key '.length), entries: [] })
    else if (line === '# Wildcard CA') sections.push({ ca: 'Wildcard CA', entries: [] })
    else if (/^(serial|id): /.test(line)) sections.at(-1)!.entries.push(line)
    else if (line.startsWith('hash: ')) hashes.push(line.replace(/ # .*/, ''))
    else if (line !== '' && !line.startsWith('#')) hashes.push(`unknown line ${line}`)
  }
  return { version, certificates: sections.toSorted(byCa), hashes: hashes.toSorted() }
}

const byCa = (a: { ca: string }, b: { ca: string }): number => (a.ca < b.ca ? -1 : 1)

test.skipIf(noKeygen)('ssh-keygen refuses exactly the certificates and keys that our check refuses', async () => {
  const issuers = [signerOf(privateKeys.ed25519), signerOf(privateKeys.p256)]
  const sample = fc.sample(fc.tuple(krls, subjectKey, keyIds), { seed: 5, numRuns: 8 })
  for (const [krl, key, ids] of sample) {
    const asked = issuers.flatMap(signer =>
      interesting(krl).flatMap(serial =>
        ['nobody', ...ids.slice(0, 1), ...(krl.certificates[0]?.keyIds ?? [])].map(keyId => ({
          key,
          serial,
          keyId,
          issuer: signer.publicKey,
          signer
        }))
      )
    )
    using folder = new KeygenFolder()
    const files = await Promise.all(
      asked.map(async ({ signer, ...one }, at) => {
        const fields = certificateOf(one)
        return folder.file(`${at}-cert.pub`, certificateLine(fields, await signCertificate(fields, signer)))
      })
    )
    const answer = folder.ask(['-Q', '-f', folder.file('krl', encodeKrl(krl)), ...files])
    const verdicts = answer.stdout
      .trim()
      .split('\n')
      .map(line => line.endsWith('REVOKED'))
    expect(verdicts).toEqual(asked.map(one => isCertificateRevoked(krl, one)))
  }
})

/** Serials at and beside the edges of what is revoked. */
function interesting(krl: Krl): readonly bigint[] {
  const edges = krl.certificates.flatMap(({ serials }) => serials.flatMap(({ first, last }) => [first - 1n, first, last, last + 1n]))
  return [...new Set([1n, 77n, ...edges.filter(serial => serial > 0n && serial < 2n ** 63n)])].slice(0, 12)
}

const certificateOf = ({ key, serial, keyId }: Pick<CertificateFields, 'key' | 'serial' | 'keyId'>): CertificateFields => ({
  kind: 'user',
  nonce: new Uint8Array(32),
  key,
  serial,
  keyId,
  principals: ['deploy'],
  validAfter: 1n,
  validBefore: 2n ** 40n,
  criticalOptions: new Map(),
  extensions: new Map()
})

describe('the cap of a bitmap', () => {
  test.each([16_383n, 16_384n, 16_385n])('is kept for every second serial up to %s', last => {
    const odd = Array.from({ length: Number((last + 1n) / 2n) }, (_, at) => BigInt(at * 2 + 1))
    const krl = list([revoked(serialRanges(odd))])
    expect(parseKrl(encodeKrl(krl))).toEqual(krl)
    expect(encodeKrl(krl).length).toBeLessThan(2_400)
  })

  // `ssh-keygen -k` itself writes lists of these that lock everybody out.
  test.skipIf(noKeygen)('is kept for those of which ssh-keygen makes lists that no host can read', () => {
    const odd = Array.from({ length: 20_000 }, (_, at) => BigInt(at * 2 + 1))
    const krl = list([revoked(serialRanges(odd))])
    using folder = new KeygenFolder()
    expect(toldBy(folder.run(['-Q', '-l', '-f', folder.file('krl', encodeKrl(krl))]))).toEqual(told(krl))
    const made = folder.file('spec', odd.map(serial => `serial: ${serial}`).join('\n'))
    folder.run(['-k', '-f', join(folder.path, 'theirs'), '-s', folder.file('ca.pub', writeKeyLine(ca)), made])
    expect(folder.ask(['-Q', '-l', '-f', join(folder.path, 'theirs')]).status).not.toBe(0)
  })
})

describe('a damaged list', () => {
  const whole = encodeKrl(
    list([revoked(serialRanges([5n, 100n, 1000n, 1003n], [{ first: 200n, last: 299n }]), { keyIds: ['alice'] })], {
      keys: [otherCa],
      fingerprints: [sha256(keyBlob(otherCa))]
    })
  )

  test('of no bytes is refused, though sshd takes it for a list of nobody', () => {
    expect(() => parseKrl(new Uint8Array())).toThrow('KRL: empty')
  })

  test('is refused wherever it is cut, but at a section boundary, which only the signature shows', () => {
    const boundaries = [44, ...boundariesOf(whole)]
    for (let length = 0; length < whole.length; length++) {
      const cut = whole.subarray(0, length)
      if (boundaries.includes(length)) expect(parseKrl(cut).version, `at ${length}`).toBe(1n)
      else expect(() => parseKrl(cut), `at ${length}`).toThrow(/^KRL: /)
    }
  })

  test('that is cut there, and one byte of which is changed, no longer matches its signature', async () => {
    const signer = signerOf(privateKeys.ed25519)
    const armour = await signMessage(signer, 'krl@mayfly', whole)
    expect(signerOfMessage(armour, 'krl@mayfly', whole)).toEqual(signer.publicKey)
    const changed = Buffer.from(whole)
    changed[19]! += 1
    for (const bytes of [changed, whole.subarray(0, 44), Buffer.of()])
      expect(() => signerOfMessage(armour, 'krl@mayfly', bytes)).toThrow('signature: does not match the message')
  })

  test.each<[string, Buffer, string]>([
    ['serial 0 in a list', withSection(0x20, Buffer.alloc(8)), 'KRL: serial 0 in a list'],
    ['a range from 0', withSection(0x21, Buffer.concat([Buffer.alloc(8), u64(5n)])), 'KRL: no range of serials: 0 to 5'],
    ['an inverted range', withSection(0x21, Buffer.concat([u64(5n), u64(4n)])), 'KRL: no range of serials: 5 to 4'],
    ['bit 0 of a bitmap at 0', withSection(0x22, new WireWriter().uint64(0n).mpint(Buffer.of(1)).finish()), 'KRL: serial 0 in a bitmap'],
    [
      'a bitmap beyond the last serial',
      withSection(
        0x22,
        new WireWriter()
          .uint64(2n ** 64n - 1n)
          .mpint(Buffer.of(2))
          .finish()
      ),
      'KRL: serial 18446744073709551616 in a bitmap'
    ],
    [
      'a bitmap that would be negative',
      withSection(0x22, new WireWriter().uint64(1n).string(Buffer.of(0x80)).finish()),
      'KRL: bitmap is negative'
    ],
    [
      'a bitmap of one bit too many',
      withSection(
        0x22,
        new WireWriter()
          .uint64(1n)
          .mpint(Buffer.concat([Buffer.of(1), Buffer.alloc(2048)]))
          .finish()
      ),
      'KRL: a bitmap of more than 16384 bits'
    ],
    [
      'an extension of a certificate section',
      withSection(0x39, new WireWriter().string('x').boolean(false).string('').finish()),
      'KRL: certificate section of type 57'
    ],
    ['an extension', Buffer.concat([whole, new WireWriter().byte(255).string('').finish()]), 'KRL: section of type 255'],
    ['a signature inside', Buffer.concat([whole, new WireWriter().byte(4).string('').finish()]), 'KRL: section of type 4'],
    ['text', Buffer.from(`${writeKeyLine(ca)}\n`), 'KRL: does not begin as a KRL'],
    ['another format', Buffer.concat([whole.subarray(0, 8), Buffer.of(0, 0, 0, 2), whole.subarray(12)]), 'KRL: format 2 is not known'],
    ['flags', Buffer.concat([whole.subarray(0, 28), u64(1n), whole.subarray(36)]), 'KRL: flags are set']
  ])('with %s is refused', (_, bytes, message) => {
    expect(() => parseKrl(bytes)).toThrow(message)
  })
})

function u64(value: bigint): Buffer {
  return new WireWriter().uint64(value).finish()
}

/** A list whose one certificate section holds this. */
function withSection(type: number, data: Buffer): Buffer {
  const inner = new WireWriter().string(keyBlob(ca)).string('').byte(type).string(data).finish()
  const empty = encodeKrl(list([]))
  return Buffer.concat([empty, new WireWriter().byte(1).string(inner).finish()])
}

function boundariesOf(whole: Buffer): readonly number[] {
  const boundaries: number[] = []
  for (let at = 44; at < whole.length; at += 5 + whole.readUInt32BE(at + 1)) boundaries.push(at)
  return boundaries
}

test('a key is revoked by itself and by its hash, and with it everything that it has signed', () => {
  for (const krl of [list([], { keys: [ca] }), list([], { fingerprints: [sha256(keyBlob(ca))] })]) {
    expect(isKeyRevoked(krl, ca)).toBe(true)
    expect(isKeyRevoked(krl, otherCa)).toBe(false)
    expect(isCertificateRevoked(krl, { key: otherCa, issuer: ca, serial: 9n, keyId: 'x' })).toBe(true)
    expect(isCertificateRevoked(krl, { key: otherCa, issuer: otherCa, serial: 9n, keyId: 'x' })).toBe(false)
  }
})

test('10,000 revoked of 1,000,000 issued fit into what a host loads at once', () => {
  const every = Array.from({ length: 10_000 }, (_, at) => BigInt(at * 100 + 1))
  const bytes = encodeKrl(list([revoked(serialRanges(every))]))
  expect(bytes.length).toBeLessThan(82_000)
  expect(parseKrl(bytes).certificates[0]!.serials.length).toBe(10_000)
})

test('more than a host downloads is refused by name', () => {
  const scattered = Array.from({ length: 530_000 }, (_, at) => ({ first: BigInt(at) * 5_000n + 1n, last: BigInt(at) * 5_000n + 1n }))
  expect(() => encodeKrl(list([revoked(scattered)]))).toThrow('hosts take at most 4194304')
})

test('ranges merge where they touch, and say of each serial whether it is inside', () => {
  const runs = serialRanges(
    [7n, 5n, 6n, 6n, 20n],
    [
      { first: 8n, last: 9n },
      { first: 1n, last: 2n }
    ]
  )
  expect(runs).toEqual([
    { first: 1n, last: 2n },
    { first: 5n, last: 9n },
    { first: 20n, last: 20n }
  ])
  expect([0n, 1n, 2n, 3n, 5n, 9n, 10n, 20n, 21n].filter(serial => holdsSerial(runs, serial))).toEqual([1n, 2n, 5n, 9n, 20n])
  expect(() => serialRanges([0n])).toThrow('no range of serials: 0 to 0')
})

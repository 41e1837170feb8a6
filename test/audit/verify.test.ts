import { createHash, generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { chain, chainStart, unchain } from '../../src/audit/chain.ts'
import { checkpointKeyId } from '../../src/audit/checkpoint.ts'
import { headerLine } from '../../src/audit/header.ts'
import { openLines, tellVerdict, verifyTrail } from '../../src/audit/verify.ts'
import { body, keyId, publicKey, verifyLines, verifyText, Writer } from './written-trail.ts'

const stranger = generateKeyPairSync('ed25519')

/** What someone without the key can do: edit one line and write every hash anew. */
function writtenAnew(lines: readonly string[], edited: number): readonly string[] {
  let head = chainStart
  return lines.map((line, at) => {
    const parts = unchain(line)
    if (!parts) return line
    const next = chain(parts.node, head, at === edited ? body(1_000) : parts.body)
    head = next
    return next.line
  })
}

test('a chain that was written anew holds without the key, and is found with it at the first checkpoint that signed something else', async () => {
  const lines = new Writer('a').file(12, 4)
  const forged = writtenAnew(lines, 7)
  const verdict = await verifyLines(forged)
  // Lines 2 to 5 are signed by line 6 and still hold; line 8 was edited; line 11 signs what came before it.
  expect(verdict.problem).toMatchObject({ line: 11, why: 'changed', detail: expect.stringContaining('between line 4 and 9') })
  expect((await verifyLines(writtenAnew(lines, 13), {})).problem).toMatchObject({ line: 16, why: 'changed' })
})

test('without any checkpoint that covers it, a trail that was written anew holds: the verdict says that nothing is signed', async () => {
  const lines = [new Writer('a')].flatMap(writer => [writer.header(), ...writer.entries(5)])
  const verdict = await verifyLines(writtenAnew(lines, 3))
  expect(verdict).toMatchObject({ ok: true, nodes: [{ signedTo: 0, unsigned: 5 }] })
  expect(tellVerdict(verdict).join('\n')).toContain('none of 5 entries is signed')
})

test('without a key the chain is checked, and the verdict says that nothing proves who wrote it', async () => {
  const lines = new Writer('a').file(8, 4)
  const verdict = await verifyLines(lines, {})
  expect(verdict).toMatchObject({ ok: true, key: undefined, checkpoints: 2, nodes: [{ signedTo: 0 }] })
  expect(tellVerdict(verdict).join('\n')).toContain('nothing proves who wrote it')
  expect((await verifyLines(lines.toSpliced(3, 1), {})).problem).toMatchObject({ line: 4, why: 'missing' })
})

test('a signed prefix and an unsigned tail are told apart', async () => {
  const writer = new Writer('a')
  const lines = [writer.header(), ...writer.entries(3)]
  const signed = writer.head
  lines.push(...writer.entries(2), writer.checkpoint(signed), ...writer.entries(2))
  expect(await verifyLines(lines)).toMatchObject({ ok: true, key: keyId, nodes: [{ signedTo: 3, unsigned: 5, head: writer.head }] })
})

test('a checkpoint by another key is the wrong key, also when it claims to be ours', async () => {
  const writer = new Writer('a', stranger.privateKey)
  const lines = [writer.header(), ...writer.entries(2), writer.checkpoint()]
  expect((await verifyLines(lines)).problem).toMatchObject({ line: 4, why: 'bad signature' })
  const honest = lines.map(line => line.replaceAll(keyId, checkpointKeyId(stranger.publicKey)))
  expect((await verifyLines(honest)).problem).toMatchObject({ line: 1, why: 'wrong key' })
  expect((await verifyLines(new Writer('a').file(4, 2), { publicKey: stranger.publicKey })).problem).toMatchObject({
    line: 1,
    why: 'wrong key'
  })
})

test('a checkpoint of another node signs nothing here', async () => {
  const [one, other] = [new Writer('a'), new Writer('b')]
  const lines = [one.header(), one.entry(), other.header(), other.entry()]
  const { body: signed } = unchain(one.checkpoint())!
  expect((await verifyLines([...lines, other.entry(signed)])).problem).toMatchObject({ line: 5, why: 'bad signature' })
})

test('a checkpoint cannot sign what comes after it', async () => {
  const writer = new Writer('a')
  const lines = [writer.header(), writer.entry(), writer.checkpoint({ seq: 9, hash: '0'.repeat(64) })]
  expect((await verifyLines(lines)).problem).toMatchObject({ line: 3, why: 'changed' })
})

test('a file that begins in the middle is proven by its header, and by nothing when the header is silent', async () => {
  const writer = new Writer('a')
  writer.entries(40)
  const header = writer.header()
  const lines = [...writer.entries(3), writer.checkpoint()]
  expect(await verifyLines([header, ...lines])).toMatchObject({
    ok: true,
    nodes: [{ firstSeq: 41, beginningProven: true, signedTo: 43, unsigned: 1 }]
  })
  expect((await verifyLines([header, ...lines.slice(1)])).problem).toMatchObject({ line: 2, why: 'missing' })
  expect((await verifyLines([header.replace(/"previous_hash":"./, '"previous_hash":"x'), ...lines])).ok).toBe(false)
  const silent = headerLine({ node: 'a', firstSeq: 41 })
  const verdict = await verifyLines([silent, ...lines])
  expect(verdict).toMatchObject({ ok: true, nodes: [{ firstSeq: 41, beginningProven: false }] })
  expect(tellVerdict(verdict).join('\n')).toContain('what its first line follows is not known')
  expect((await verifyLines([silent, ...lines.with(1, lines[1]!.replace('note', 'nota'))])).problem).toMatchObject({
    line: 3,
    why: 'changed'
  })
})

test('rotated files hold together, and a file that is left out between them is missing', async () => {
  const writer = new Writer('a')
  const files = Array.from({ length: 3 }, () => [writer.header(), ...writer.entries(4), writer.checkpoint()])
  expect(await verifyLines(files.flat())).toMatchObject({ ok: true, checkpoints: 3 })
  expect((await verifyLines([...files[0]!, ...files[2]!])).problem).toMatchObject({ line: 7, why: 'missing' })
  expect((await verifyLines([...files[0]!, ...files[2]!, ...files[1]!])).problem).toMatchObject({ line: 7, why: 'reordered' })
  expect((await verifyLines([...files[1]!, ...files[2]!, ...files[0]!])).ok).toBe(false)
})

test('lines that a sink wrote again below a new header are repeated, not duplicated; with another content they are changed', async () => {
  const writer = new Writer('a')
  const first = [writer.header(), ...writer.entries(2)]
  const again = [writer.header(), ...writer.entries(3)]
  const after = writer.entries(2)
  expect(await verifyLines([...first, ...again, ...again, ...after])).toMatchObject({ ok: true, repeated: 3 })
  expect((await verifyLines([...first, ...again, ...again.slice(1)])).problem).toMatchObject({ line: 8, why: 'duplicated' })
  const other = new Writer('a')
  other.entries(2)
  expect((await verifyLines([...first, ...again, other.header(), other.entry(body(77))])).problem).toMatchObject({
    line: 9,
    why: 'changed'
  })
})

test('an anchor that was seen elsewhere must be in the trail, with its hash', async () => {
  const writer = new Writer('a')
  const lines = writer.file(3, 10)
  expect((await verifyLines(lines, { anchors: [{ node: 'a', ...writer.head }] })).ok).toBe(true)
  expect((await verifyLines(lines, { anchors: [{ node: 'a', seq: 2, hash: '0'.repeat(64) }] })).problem).toMatchObject({
    line: 5,
    why: 'changed'
  })
  expect((await verifyLines(lines, { anchors: [{ node: 'b', seq: 1, hash: '0'.repeat(64) }] })).problem).toMatchObject({
    line: 5,
    why: 'missing'
  })
})

test('a log line between the lines of the trail is named, and an empty file is no problem', async () => {
  const lines = new Writer('a').file(3, 10)
  expect((await verifyLines(lines.toSpliced(2, 0, '{"level":30,"msg":"started"}'))).problem).toMatchObject({ line: 3, why: 'changed' })
  expect(await verifyText('')).toMatchObject({ ok: true, lines: 0, nodes: [] })
})

test('files are read as bytes, in pieces of any size: an invalid character does not pass as the one that stands for it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-verify-'))
  try {
    const writer = new Writer('a')
    const text = [...writer.file(400, 50)].map(line => `${line}\n`).join('')
    const path = join(folder, 'audit.jsonl')
    await writeFile(path, text)
    expect(await verifyTrail(openLines(path), { publicKey: publicKey.export({ type: 'spki', format: 'pem' }) })).toMatchObject({
      ok: true,
      lines: 409
    })
    const bytes = Buffer.from(text)
    bytes[bytes.indexOf('note')] = 0xff
    await writeFile(path, bytes)
    expect((await verifyTrail(openLines(path))).problem).toMatchObject({ line: 2, why: 'changed' })
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('the hash of a line is SHA-256 over the previous hash, node, number and body, as the header of chain.ts says', () => {
  const text = `${'0'.repeat(64)}\nnode\n1\n{"time":"now"}`
  expect(chain('node', chainStart, '{"time":"now"}').line).toBe(
    `{"seq":1,"node":"node","hash":"${createHash('sha256').update(text).digest('hex')}","time":"now"}`
  )
})

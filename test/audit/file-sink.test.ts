import { execFileSync } from 'node:child_process'
import { appendFile, chmod, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { openFileSink } from '../../src/audit/file-sink.ts'
import { unchain } from '../../src/audit/chain.ts'
import { SinkFolder, soon } from './sink-folder.ts'
import { keyId, Writer } from './written-trail.ts'

const name = 'audit.jsonl'

/** A sink as the broker opens it, with the store's word on earlier lines. */
const open = (path: string, writer: Writer, written: readonly string[] = []) =>
  openFileSink({
    path,
    node: writer.node,
    checkpointKey: () => keyId,
    hashOf: async seq => written.map(line => unchain(line)).find(parts => parts?.seq === seq)?.hash
  })

test('a new file is for its owner alone and begins with a header; lines follow, one each, over restarts', async () => {
  await using folder = await SinkFolder.make()
  const writer = new Writer('a')
  const lines = writer.entries(6)
  for (const from of [0, 2, 4]) {
    await using sink = await open(folder.file(), writer)
    expect(sink.name).toBe(`file:${folder.file()}`)
    await sink.write(lines.slice(from, from + 1), soon())
    await sink.write(lines.slice(from + 1, from + 2), soon())
  }
  expect((await stat(folder.file())).mode & 0o777).toBe(0o600)
  expect(await folder.lines(name)).toEqual([new Writer('a').header(), ...lines])
  expect(await folder.verdict(name)).toMatchObject({ ok: true, lines: 7 })
})

test('what an earlier node has left goes out before the lines of the node that goes on, each below a header', async () => {
  await using folder = await SinkFolder.make()
  const before = new Writer('a')
  const old = before.entries(4)
  // As a store that is found elsewhere goes on: another node, the same numbers, the same chain.
  const writer = new Writer('b')
  writer.head = before.head
  const lines = [...old.slice(1), ...writer.entries(3)]
  {
    await using first = await open(folder.file(), before)
    await first.write(old.slice(0, 2), soon())
  }
  await using sink = await open(folder.file(), writer, old)
  await sink.write(lines.slice(1, 2), soon())
  await sink.write(lines.slice(2, 5), soon())
  await sink.write([...lines.slice(5), writer.checkpoint()], soon())
  expect(await folder.verdict(name)).toMatchObject({ ok: true, repeated: 0, nodes: [{ lines: 4 }, { lines: 4, beginningProven: true }] })
})

test('lines that were written before the cursor moved are not written twice', async () => {
  await using folder = await SinkFolder.make()
  const writer = new Writer('a')
  const lines = writer.entries(5)
  {
    await using sink = await open(folder.file(), writer)
    await sink.write(lines.slice(0, 3), soon())
  }
  await using sink = await open(folder.file(), writer)
  await sink.write(lines.slice(0, 3), soon())
  await sink.write(lines.slice(1), soon())
  expect(await folder.lines(name)).toHaveLength(6)
  expect(await folder.verdict(name)).toMatchObject({ ok: true, lines: 6, repeated: 0 })
})

test('a line that a crash tore at any byte is closed and comes again; nothing is lost and nothing doubled', async () => {
  await using folder = await SinkFolder.make()
  const writer = new Writer('a')
  const lines = writer.entries(4)
  {
    await using sink = await open(folder.file(), writer)
    await sink.write(lines.slice(0, 3), soon())
  }
  const whole = await readFile(folder.file())
  const step = 37
  for (let length = 0; length < whole.length; length += step) {
    await writeFile(folder.file(), whole.subarray(0, length))
    await using sink = await open(folder.file(), writer)
    await sink.write(lines, soon())
    const verdict = await folder.verdict(name)
    expect(verdict.problem, `cut at ${length}`).toBeUndefined()
    expect(verdict.nodes, `cut at ${length}`).toMatchObject([{ lines: 4, head: writer.head }])
    expect(verdict.repeated).toBe(0)
  }
})

test('a torn line far behind many zeros is found all the same', async () => {
  await using folder = await SinkFolder.make()
  const writer = new Writer('a')
  const lines = writer.entries(3)
  {
    await using sink = await open(folder.file(), writer)
    await sink.write(lines.slice(0, 2), soon())
  }
  await appendFile(folder.file(), lines[2]!.slice(0, 100) + '\0'.repeat(300_000))
  await using sink = await open(folder.file(), writer)
  await sink.write(lines.slice(1), soon())
  expect(await folder.verdict(name)).toMatchObject({ ok: true, mended: 1, nodes: [{ lines: 3 }] })
})

test.each([
  ['renamed, before the broker is told', false],
  ['renamed, and the broker told by SIGHUP', true]
])('a file that was %s is left, and the next begins with a header that follows it', async (_, told) => {
  await using folder = await SinkFolder.make()
  const writer = new Writer('a')
  await using sink = await open(folder.file(), writer)
  await sink.write(writer.entries(3), soon())
  await rename(folder.file(), folder.file('audit.jsonl.1'))
  if (told) await sink.reopen!()
  await sink.write(writer.entries(3), soon())
  expect(await folder.verdict('audit.jsonl.1', name)).toMatchObject({ ok: true, lines: 8 })
  expect(await folder.verdict(name)).toMatchObject({ ok: true, nodes: [{ firstSeq: 4, beginningProven: true }] })
})

test('a file that was rotated while the broker was down begins with what the store knows', async () => {
  await using folder = await SinkFolder.make()
  const writer = new Writer('a')
  const lines = writer.entries(4)
  {
    await using sink = await open(folder.file(), writer)
    await sink.write(lines.slice(0, 2), soon())
  }
  await rename(folder.file(), folder.file('audit.jsonl.1'))
  await using sink = await open(folder.file(), writer, lines)
  await sink.write(lines.slice(2), soon())
  expect(await folder.verdict(name)).toMatchObject({ ok: true, nodes: [{ firstSeq: 3, beginningProven: true }] })
  expect(await folder.verdict('audit.jsonl.1', name)).toMatchObject({ ok: true })
})

test('a file that was copied and truncated in place begins anew with a header', async () => {
  await using folder = await SinkFolder.make()
  const writer = new Writer('a')
  await using sink = await open(folder.file(), writer)
  await sink.write(writer.entries(3), soon())
  await writeFile(folder.file('copy'), await readFile(folder.file()))
  await truncate(folder.file())
  await sink.write(writer.entries(2), soon())
  expect(await folder.verdict('copy', name)).toMatchObject({ ok: true, nodes: [{ lines: 5 }] })
})

test('a file that was deleted is noticed, and made anew', async () => {
  await using folder = await SinkFolder.make()
  const writer = new Writer('a')
  await using sink = await open(folder.file(), writer)
  await sink.write(writer.entries(3), soon())
  await rm(folder.file())
  await sink.write(writer.entries(2), soon())
  expect(await folder.verdict(name)).toMatchObject({ ok: true, nodes: [{ firstSeq: 4, lines: 2, beginningProven: true }] })
})

test('the folder may go too: it is made again, for its owner alone', async () => {
  await using folder = await SinkFolder.make()
  const writer = new Writer('a')
  await using sink = await open(folder.file(`audit/${name}`), writer)
  await sink.write(writer.entries(1), soon())
  await rm(folder.file('audit'), { recursive: true })
  await sink.write(writer.entries(1), soon())
  expect((await stat(folder.file('audit'))).mode & 0o777).toBe(0o700)
  expect(await folder.verdict(`audit/${name}`)).toMatchObject({ ok: true })
})

test('lines of a store that was restored from an older copy are not taken for those that are there: the fork shows', async () => {
  await using folder = await SinkFolder.make()
  const [one, other] = [new Writer('a'), new Writer('a')]
  await using sink = await open(folder.file(), one)
  await sink.write(one.entries(5), soon())
  other.entries(2)
  const fork = [other.entry(), other.entry('{"time":"later","type":"event","operation":"after the restore"}')]
  await sink.write(fork, soon())
  expect((await folder.lines(name)).slice(-2)).toEqual(fork)
  expect((await folder.verdict(name)).problem).toMatchObject({ why: 'changed', seq: 4 })
})

test('a gap between file and store shows as missing lines', async () => {
  await using folder = await SinkFolder.make()
  const writer = new Writer('a')
  await using sink = await open(folder.file(), writer)
  await sink.write(writer.entries(2), soon())
  writer.entries(2)
  await sink.write(writer.entries(1), soon())
  expect((await folder.verdict(name)).problem).toMatchObject({ why: 'missing' })
})

test('another node may share the file: each has its header', async () => {
  await using folder = await SinkFolder.make()
  const [one, other] = [new Writer('a'), new Writer('b')]
  for (const writer of [one, other]) {
    await using sink = await open(folder.file(), writer)
    await sink.write(writer.entries(2), soon())
  }
  const more = one.entries(1)
  await using sink = await open(folder.file(), one)
  await sink.write(more, soon())
  expect(await folder.verdict(name)).toMatchObject({
    ok: true,
    nodes: [
      { node: 'a', lines: 3 },
      { node: 'b', lines: 2 }
    ]
  })
})

test('writing nothing tells whether the file can be opened, and writes nothing', async () => {
  await using folder = await SinkFolder.make()
  await using sink = await open(folder.file(), new Writer('a'))
  await sink.write([], soon())
  expect((await stat(folder.file())).size).toBe(0)
  await using bad = await open(folder.file('no/folder/here'), new Writer('a'))
  await expect(bad.write([], soon())).rejects.toThrow('ENOENT')
})

test('execute bits and writing by others are taken from a file that was there; a group may go on reading', async () => {
  await using folder = await SinkFolder.make()
  const writer = new Writer('a')
  for (const [before, after] of [
    [0o777, 0o640],
    [0o644, 0o640],
    [0o640, 0o640],
    [0o700, 0o600],
    [0o400, 0o400]
  ] as const) {
    await rm(folder.file(), { force: true })
    await writeFile(folder.file(), '')
    await chmod(folder.file(), before)
    if (before === 0o400 && process.geteuid?.() !== 0) continue
    await using sink = await open(folder.file(), writer)
    await sink.write(writer.entries(1), soon())
    expect((await stat(folder.file())).mode & 0o777, before.toString(8)).toBe(after)
  }
  await using sink = await openFileSink({ path: folder.file('asked'), node: 'a', mode: 0o7777 })
  await sink.write([], soon())
  expect((await stat(folder.file('asked'))).mode & 0o7777 & 0o7133).toBe(0)
})

test('a mount that is full rejects, and when there is room again the trail is whole', async context => {
  await using folder = await SinkFolder.make()
  await using small = await SinkFolder.make()
  context.skip(!mounted(small.path), 'mounting is refused here; /dev/full shows the rejection')
  try {
    const writer = new Writer('a')
    await writeFile(small.file('ballast'), Buffer.alloc(32_768))
    await using sink = await open(small.file(), writer)
    const batches = Array.from({ length: 6 }, () => writer.entries(20))
    let refused = 0
    for (const batch of batches) {
      try {
        await sink.write(batch, soon())
      } catch (error) {
        refused++
        expect(error).toMatchObject({ code: 'audit_unreachable', message: expect.stringContaining('ENOSPC') })
        await expect(sink.write(batch, soon())).rejects.toThrow('ENOSPC')
        await rm(small.file('ballast'))
        await sink.write(batch, soon())
      }
    }
    expect(refused).toBe(1)
    await writeFile(folder.file(), await readFile(small.file()))
    expect(await folder.verdict(name)).toMatchObject({ ok: true, repeated: 0, nodes: [{ lines: 120, head: writer.head }] })
    expect((await folder.verdict(name)).mended).toBeGreaterThan(0)
  } finally {
    execFileSync('umount', ['-l', small.path])
  }
})

function mounted(path: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=0700', 'tmpfs', path], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

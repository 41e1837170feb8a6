import { execFileSync, spawnSync } from 'node:child_process'
import { constants } from 'node:fs'
import { chmod, chown, link, mkdir, open as openFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { expect, test } from 'vitest'
import { openFileSink } from '../../src/audit/file-sink.ts'
import { SinkFolder, soon } from './sink-folder.ts'
import { verifyText, Writer } from './written-trail.ts'

const nobody = 65_534
const isRoot = process.geteuid?.() === 0

/** Runs as a user who is not above permissions. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  if (!isRoot) return work()
  process.seteuid!(nobody)
  try {
    return await work()
  } finally {
    process.seteuid!(0)
  }
}

const sinkAt = (path: string) => openFileSink({ path, node: 'a' })

test('a device that is always full rejects, each time', async () => {
  const writer = new Writer('a')
  await using sink = await sinkAt('/dev/full')
  const lines = writer.entries(1)
  for (let again = 0; again < 3; again++)
    await expect(sink.write(lines, soon())).rejects.toMatchObject({ code: 'audit_unreachable', message: expect.stringContaining('ENOSPC') })
})

test('a file or folder without permission rejects, and works again when it is given back', async () => {
  await using folder = await SinkFolder.make()
  if (isRoot) await chown(folder.path, nobody, nobody)
  const writer = new Writer('a')
  await using sink = await sinkAt(folder.file())
  const lines = writer.entries(1)
  await asNobody(async () => {
    await writeFile(folder.file(), '')
    await chmod(folder.file(), 0o000)
    await expect(sink.write(lines, soon())).rejects.toThrow('EACCES')
    await chmod(folder.file(), 0o600)
    await chmod(folder.path, 0o000)
    await expect(sink.write(lines, soon())).rejects.toThrow('EACCES')
    await chmod(folder.path, 0o700)
    await sink.write(lines, soon())
    expect(await folder.verdict('audit.jsonl')).toMatchObject({ ok: true, lines: 2 })
  })
})

test('links are not followed, and what is no file is refused', async () => {
  await using folder = await SinkFolder.make()
  const lines = new Writer('a').entries(1)
  await writeFile(folder.file('victim'), 'precious')
  await symlink(folder.file('victim'), folder.file('link'))
  await symlink(folder.file('nowhere'), folder.file('dangling'))
  await mkdir(folder.file('folder'))
  for (const [name, why] of [
    ['link', 'is a symbolic link'],
    ['dangling', 'is a symbolic link'],
    ['folder', 'EISDIR']
  ] as const) {
    await using sink = await sinkAt(folder.file(name))
    await expect(sink.write(lines, soon()), name).rejects.toThrow(why)
  }
  expect((await stat(folder.file('victim'))).size).toBe(8)
  await expect(stat(folder.file('nowhere'))).rejects.toThrow('ENOENT')
  await expect(openFileSink({ path: 'relative', node: 'a' })).rejects.toThrow('file_path')
  await expect(openFileSink({ path: '/tmp/a\0b', node: 'a' })).rejects.toThrow('file_path')
})

test('a file that was swapped for a link under a running sink is refused at the next write', async () => {
  await using folder = await SinkFolder.make()
  const writer = new Writer('a')
  await using sink = await sinkAt(folder.file())
  await sink.write(writer.entries(1), soon())
  await rm(folder.file())
  await writeFile(folder.file('victim'), 'precious')
  await symlink(folder.file('victim'), folder.file())
  await expect(sink.write(writer.entries(1), soon())).rejects.toThrow('is a symbolic link')
  await rm(folder.file())
  // A second name of the very file that is open is still that file.
  await link(folder.file('victim'), folder.file('other'))
})

test('a folder that everybody may write is refused, one with the sticky bit is not; nor is a file of another user taken', async () => {
  await using folder = await SinkFolder.make()
  const writer = new Writer('a')
  await using sink = await sinkAt(folder.file())
  await chmod(folder.path, 0o777)
  await expect(sink.write(writer.entries(1), soon())).rejects.toThrow('is in a folder that everybody may write')
  await chmod(folder.path, 0o1777)
  await sink.write(new Writer('a').entries(1), soon())
  if (!isRoot) return
  await writeFile(folder.file('foreign'), '')
  await chown(folder.file('foreign'), nobody, nobody)
  await using foreign = await sinkAt(folder.file('foreign'))
  await expect(foreign.write([], soon())).rejects.toThrow('belongs to another user')
})

test('a file by the API stays inside its folder, links included (row 96)', async () => {
  await using folder = await SinkFolder.make()
  await mkdir(folder.file('audit'), { mode: 0o700 })
  await mkdir(folder.file('elsewhere'), { mode: 0o700 })
  await mkdir(folder.file('audit-not'), { mode: 0o700 })
  await symlink(folder.file('elsewhere'), folder.file('audit/out'))
  const below = folder.file('audit')
  for (const path of ['elsewhere/x', 'audit/../elsewhere/x', 'audit/out/x', 'audit-not/x', 'audit', 'audit/../made/x']) {
    await using sink = await openFileSink({ path: `${folder.path}/${path}`, node: 'a', below })
    await expect(sink.write([], soon()), path).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('is outside the audit folder')
    })
  }
  await using cron = await openFileSink({ path: '/etc/cron.d/x', node: 'a', below })
  await expect(cron.write([], soon())).rejects.toThrow('is outside the audit folder')
  await expect(stat(folder.file('made'))).rejects.toThrow('ENOENT')
  await using inside = await openFileSink({ path: folder.file('audit/x'), node: 'a', below, mode: 0o777 })
  await inside.write([], soon())
  expect((await stat(folder.file('audit/x'))).mode & 0o133).toBe(0)
})

test('a FIFO that nobody reads rejects within its time and never holds the event loop; what a reader gets is whole', async () => {
  await using folder = await SinkFolder.make()
  execFileSync('mkfifo', ['-m', '600', folder.file()])
  const writer = new Writer('a')
  await using sink = await sinkAt(folder.file())
  const lines = writer.entries(500)
  await expect(sink.write(lines, soon())).rejects.toThrow('ENXIO')

  const reader = await openFile(folder.file(), constants.O_RDONLY | constants.O_NONBLOCK)
  let turns = 0
  const turning = setInterval(() => turns++, 5)
  try {
    // More than a pipe holds, and nobody empties it.
    await expect(sink.write(lines, AbortSignal.timeout(200))).rejects.toThrow('not done within its time')
    expect(turns).toBeGreaterThan(10)
    const stop = new AbortController()
    const reading = drain(reader, stop.signal)
    await sink.write(lines, soon())
    await sink.write(writer.entries(1), soon())
    stop.abort()
    const verdict = await verifyText(await reading)
    expect(verdict).toMatchObject({ ok: true, nodes: [{ lines: 501, head: writer.head }] })
    expect(verdict.repeated).toBeGreaterThan(0)
  } finally {
    clearInterval(turning)
    await reader.close()
  }
  await expect(sink.write(writer.entries(1), soon())).rejects.toThrow('EPIPE')
})

/** Reads what is there, until told to stop and nothing is left. */
async function drain(reader: FileHandle, stop: AbortSignal): Promise<string> {
  const pieces: Buffer[] = []
  for (;;) {
    const ending = stop.aborted
    const bytes = Buffer.alloc(65_536)
    const { bytesRead } = await reader.read(bytes, 0, bytes.length, null).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EAGAIN') throw error
      return { bytesRead: 0 }
    })
    if (bytesRead > 0) pieces.push(bytes.subarray(0, bytesRead))
    else if (ending) return Buffer.concat(pieces).toString()
    else await new Promise(resolve => setImmediate(resolve))
  }
}

test('an aborted signal is honoured at once, and nothing is written', async () => {
  await using folder = await SinkFolder.make()
  const writer = new Writer('a')
  await using sink = await sinkAt(folder.file())
  await expect(sink.write(writer.entries(1), AbortSignal.abort())).rejects.toMatchObject({ code: 'audit_unreachable' })
  await expect(stat(folder.file())).rejects.toThrow('ENOENT')
})

test('after an fsync that failed nothing that was written counts: it is written again below a new header', async context => {
  await using folder = await SinkFolder.make()
  const program = `
    import { openFileSink } from '${join(import.meta.dirname, '../../src/audit/file-sink.ts')}'
    import { Writer } from '${join(import.meta.dirname, 'written-trail.ts')}'
    const sink = await openFileSink({ path: '${folder.file()}', node: 'a' })
    const lines = new Writer('a').entries(3)
    for (const again of [1, 2]) console.log(await sink.write(lines, AbortSignal.timeout(10_000)).then(() => 'written', error => error.message))
  `
  // The first is that of the opening. One thread in the pool, because each thread is counted by itself.
  const fault = ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=fdatasync', '-e', 'inject=fdatasync:error=EIO:when=2']
  const run = spawnSync('strace', [...fault, process.execPath, '--input-type=module-typescript', '-e', program], {
    encoding: 'utf8',
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' }
  })
  context.skip(run.error !== undefined || run.stderr.includes('ptrace'), 'strace is missing here or may not trace')
  expect(run.stdout).toMatch(/EIO\nwritten\n$/)
  expect(await folder.verdict('audit.jsonl')).toMatchObject({ ok: true, lines: 8, repeated: 3, nodes: [{ lines: 3 }] })
})

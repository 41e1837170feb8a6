import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { openStdoutSink } from '../../src/audit/stdout-sink.ts'
import { SinkFolder, soon } from './sink-folder.ts'
import { verifyText, Writer } from './written-trail.ts'

/** A process whose standard output is a pipe of ours: writes batches of lines to it as the broker does, and says on standard error what became of each. */
const program = (count: number, batch: number, limitMs: number) => `
  import { openStdoutSink } from '${join(import.meta.dirname, '../../src/audit/stdout-sink.ts')}'
  import { Writer } from '${join(import.meta.dirname, 'written-trail.ts')}'
  const sink = await openStdoutSink()
  const writer = new Writer('a')
  let turns = 0
  setInterval(() => turns++, 5).unref()
  for (let at = 0; at < ${count}; at++) {
    const lines = writer.entries(${batch})
    for (let done = false; !done; ) {
      const before = turns
      done = await sink.write(lines, AbortSignal.timeout(${limitMs})).then(() => true, () => false)
      process.stderr.write(done ? 'written\\n' : \`refused, \${turns - before} turns meanwhile\\n\`)
    }
  }
`

function run(source: string): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(process.execPath, ['--input-type=module-typescript', '-e', source], { stdio: ['ignore', 'pipe', 'pipe'] })
}

test('the trail goes to a pipe, with a header first, and ends with the process', async () => {
  const child = run(program(3, 10, 10_000))
  const output = await text(child.stdout)
  expect(await verifyText(output)).toMatchObject({ ok: true, lines: 31, nodes: [{ lines: 30 }] })
})

test('a parent that does not read makes a failing sink and holds nothing else; when it reads, nothing is missing', async () => {
  const child = run(program(1, 500, 200))
  const [told] = (await once(child.stderr, 'data')) as [Buffer]
  const turns = Number(/refused, (\d+) turns/.exec(told.toString())?.[1])
  expect(turns).toBeGreaterThan(10)
  const verdict = await verifyText(await text(child.stdout))
  expect(verdict).toMatchObject({ ok: true, nodes: [{ lines: 500 }] })
  expect(verdict.repeated + verdict.mended).toBeGreaterThan(0)
})

test('a reader that has gone is a failing sink', async () => {
  const child = run(program(1, 10, 200))
  child.stdout.destroy()
  const [told] = (await once(child.stderr, 'data')) as [Buffer]
  expect(told.toString()).toContain('refused')
  child.kill()
  await once(child, 'exit')
})

test('a file that is standard output is written through the descriptor that others share', async () => {
  await using folder = await SinkFolder.make()
  const writer = new Writer('a')
  await writeFile(folder.file(), '')
  const fd = openSync(folder.file(), 'r+')
  try {
    await using sink = await openStdoutSink({ fd })
    expect(sink.name).toBe('stdout')
    await sink.write(writer.entries(3), soon())
    await sink.write(writer.entries(2), soon())
  } finally {
    closeSync(fd)
  }
  expect(await folder.verdict('audit.jsonl')).toMatchObject({ ok: true, lines: 6 })
})

import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { verifyLines, verifyText, Writer } from './written-trail.ts'

// Header, 12 entries, checkpoints after 4, 8 and 12: every class of position (first, last, beside and on a checkpoint, signed and not).
const writer = new Writer('node-a')
const lines = [...writer.file(12, 4), ...writer.entries(3)]
const anchor = { node: 'node-a', ...writer.head }
const last = lines.length - 1
const chainedLine = fc.integer({ min: 1, max: last })

test('an untouched trail holds', async () => {
  const verdict = await verifyLines(lines)
  expect(verdict).toMatchObject({
    ok: true,
    lines: 19,
    mended: 0,
    repeated: 0,
    nodes: [{ lines: 18, checkpoints: 3, signedTo: 14, unsigned: 4, beginningProven: true }]
  })
})

test('every single character that is changed in a line of the chain is found, in that line', async () => {
  await fc.assert(
    fc.asyncProperty(chainedLine, fc.nat(), fc.integer({ min: 1, max: 126 }), async (at, position, character) => {
      const line = `${lines[at]!}\n`
      const where = position % line.length
      const changed = `${line.slice(0, where)}${String.fromCharCode(character)}${line.slice(where + 1)}`
      fc.pre(changed !== line)
      const text = lines.map((line, i) => (i === at ? changed : `${line}\n`)).join('')
      const verdict = await verifyText(text)
      expect(verdict.problem?.line).toBe(at + 1)
    }),
    { numRuns: 1_000 }
  )
})

test('every position of the checkpoint and of its neighbours notices a change', async () => {
  const at = lines.findIndex(line => line.includes('"type":"checkpoint"'))
  for (const index of [at - 1, at, at + 1]) {
    const line = lines[index]!
    for (let where = 0; where < line.length; where++) {
      const other = line[where] === 'x' ? 'y' : 'x'
      const verdict = await verifyLines(lines.with(index, `${line.slice(0, where)}${other}${line.slice(where + 1)}`))
      expect(verdict.problem?.line, `character ${where} of line ${index + 1}`).toBe(index + 1)
    }
  }
})

test('every character that is changed in the header is found, in the header or in the line that should follow it', async () => {
  const [header] = lines
  for (let where = 0; where < header!.length; where++) {
    const other = header![where] === '7' ? '8' : '7'
    const verdict = await verifyLines(lines.with(0, `${header!.slice(0, where)}${other}${header!.slice(where + 1)}`))
    expect([1, 2], `character ${where}`).toContain(verdict.problem?.line)
  }
})

test('removed lines are found where they should be, wherever they were', async () => {
  await fc.assert(
    fc.asyncProperty(chainedLine, fc.integer({ min: 1, max: 20 }), async (at, count) => {
      const left = lines.toSpliced(at, count)
      const verdict = await verifyLines(left)
      if (at + count > last) {
        // A cut tail shows only to who knows the head.
        expect(verdict.ok).toBe(true)
        const anchored = await verifyLines(left, { anchors: [anchor] })
        expect(anchored.problem).toMatchObject({ line: left.length + 1, why: 'missing' })
      } else expect(verdict.problem).toMatchObject({ line: at + 1, why: 'missing' })
    })
  )
})

test('a removed header is found in the first line', async () => {
  expect((await verifyLines(lines.slice(1))).problem).toMatchObject({ line: 1, why: 'missing' })
})

test('a line that is there twice is found where it does not belong, wherever it was put', async () => {
  await fc.assert(
    fc.asyncProperty(chainedLine, fc.integer({ min: 1, max: last + 1 }), async (at, to) => {
      fc.pre(to !== at)
      const verdict = await verifyLines(lines.toSpliced(to, 0, lines[at]!))
      expect(verdict.problem).toMatchObject(to > at ? { line: to + 1, why: 'duplicated' } : { line: to + 1, why: 'reordered' })
    })
  )
})

test('two lines that changed places are found at the first of them', async () => {
  await fc.assert(
    fc.asyncProperty(chainedLine, chainedLine, async (one, other) => {
      fc.pre(one < other)
      const swapped = lines.with(one, lines[other]!).with(other, lines[one]!)
      expect((await verifyLines(swapped)).problem).toMatchObject({ line: one + 1, why: 'reordered' })
    })
  )
})

test('a file that was cut at any byte has at most a torn tail', async () => {
  const text = lines.map(line => `${line}\n`).join('')
  for (let length = 0; length <= text.length; length++) {
    const cut = text.slice(0, length)
    const verdict = await verifyText(cut)
    expect(verdict.problem, `cut at ${length}`).toBeUndefined()
    const tail = cut.slice(cut.lastIndexOf('\n') + 1)
    const whole = tail === '' || lines.includes(tail)
    expect(verdict.torn, `cut at ${length}`).toEqual(whole ? undefined : { line: cut.split('\n').length })
  }
})

test('a line that a crash tore at any byte, closed and written again, holds', async () => {
  await fc.assert(
    fc.asyncProperty(chainedLine, fc.nat(), fc.nat({ max: 3 }), fc.boolean(), async (at, position, zeros, again) => {
      const torn = `${lines[at]!.slice(0, position % lines[at]!.length)}${'\0'.repeat(zeros)}`
      const fragments = again ? [torn, torn.slice(0, 3)] : [torn]
      const verdict = await verifyLines(lines.toSpliced(at, 0, ...fragments))
      expect(verdict).toMatchObject({ ok: true, mended: fragments.length })
    })
  )
})

test('a piece of a line that never comes again is no accident', async () => {
  const torn = lines[5]!.slice(0, 200)
  expect((await verifyLines(lines.with(5, torn))).problem).toMatchObject({ line: 6, why: 'changed' })
  expect((await verifyLines(lines.toSpliced(9, 0, torn))).problem).toMatchObject({ line: 10 })
})

test('several nodes in one file, in any order between them, hold; and each is watched by itself', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: 2 }), { minLength: 4, maxLength: 40 }), fc.nat(), async (turns, remove) => {
      const nodes = ['a', 'b', 'c'].map(name => new Writer(name))
      const headers = nodes.map(node => node.header())
      const written = turns.map(turn => ({ turn, line: nodes[turn]!.entry() }))
      const all = [...headers, ...written.map(({ line }) => line)]
      expect(await verifyLines(all)).toMatchObject({ ok: true, lines: all.length })
      const at = remove % written.length
      const next = written.findIndex(({ turn }, i) => i > at && turn === written[at]!.turn)
      const verdict = await verifyLines(all.toSpliced(3 + at, 1))
      expect(verdict.problem?.line).toBe(next === -1 ? undefined : 3 + next)
    })
  )
})

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { openSqlite } from '../../src/store/sqlite/open.ts'

const program = fileURLToPath(new URL('over-quota-child.ts', import.meta.url))
const strace = spawnSync('strace', ['-V']).status === 0

interface Word {
  readonly at: number
  readonly kept?: number
  readonly refused?: string
  readonly fatal?: string
}

/** Runs the writer; from its `from`-th write into the log to the `to`-th, the question about room included, the kernel gives `error`. */
async function writing(path: string, error: string, from: number, to: number, rows = 40) {
  // Its tables are not what is asked about.
  await (await openSqlite({ path, reserveBytes: 65_536 }))[Symbol.asyncDispose]()
  const inject = ['-f', '-qq', '-o', '/dev/null', '-P', join(path, 'mayfly.db-wal'), '-P', join(path, 'probe.tmp')]
  const failing = ['-e', 'trace=pwrite64', '-e', `inject=pwrite64:error=${error}:when=${from}..${to}`]
  const child = spawn('strace', [...inject, ...failing, process.execPath, program, path, String(rows)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc']
  })
  const words: Word[] = []
  child.on('message', (word: Word) => void words.push(word))
  const [code] = (await once(child, 'close')) as [number]
  return { code, words }
}

test.runIf(strace)(
  'a quota that is spent is a full disk: grants are refused until there is room, and the process lives',
  { timeout: 240_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mayfly-quota-'))
    await using _ = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
    const path = join(folder, 'data')
    const { code, words } = await writing(path, 'EDQUOT', 60, 61, 160)
    expect(code).toBe(0)
    expect(words.filter(({ fatal }) => fatal !== undefined)).toEqual([])
    expect(new Set(words.flatMap(({ refused }) => refused ?? []))).toEqual(new Set(['the disk of the store is full']))
    const kept = words.flatMap(({ kept: one }) => one ?? [])
    // After the refusals it took rows again, but not at once: to find out whether there is room is dear.
    expect(kept).toContain(159)
    const first = words.findIndex(({ refused }) => refused !== undefined)
    const again = words.slice(first).find(({ kept: one }) => one !== undefined)
    expect(again!.at - words[first]!.at).toBeGreaterThan(9_000)
    expect(existsSync(join(path, 'probe.tmp'))).toBe(false)
    await using store = await openSqlite({ path, reserveBytes: 65_536 })
    expect((await store.keys('s', '', '', 100)).map(Number).toSorted((a, b) => a - b)).toEqual(kept)
  }
)

test.runIf(strace)('a write that the disk itself refuses ends the process, as ever', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-quota-'))
  await using _ = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
  const { code, words } = await writing(join(folder, 'data'), 'EIO', 60, 61)
  expect(code).toBe(70)
  expect(words.findLast(({ fatal }) => fatal !== undefined)?.fatal).toContain('cannot be written safely')
})

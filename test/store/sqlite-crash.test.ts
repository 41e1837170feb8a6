import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { chainStart, linkHash, unchain } from '../../src/audit/chain.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import type { Store } from '../../src/store/store.ts'

interface Word {
  readonly acknowledged?: string
  readonly ready?: number
  readonly fatal?: string
}

const program = new URL('loaded-child.ts', import.meta.url).pathname

describe('a process that dies in the middle of its work', () => {
  test('a kill at any moment loses nothing that was acknowledged, and the chain goes on', { timeout: 240_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mayfly-kill-'))
    const path = join(folder, 'data')
    const acknowledged: string[] = []
    for (let run = 0; run < 8; run++) {
      const child = spawn(process.execPath, [program, path, String(run)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
      child.on('message', (word: Word) => word.acknowledged && acknowledged.push(word.acknowledged))
      await saidAt(child, () => acknowledged.length > 13 * (run + 1))
      await delay(Math.random() * 150)
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    await using store = await openSqlite({ path, reserveBytes: 65_536 })
    const keys = new Set(await store.keys('s', '', '', 1_000_000))
    expect(acknowledged.length).toBeGreaterThan(100)
    expect(acknowledged.filter(key => !keys.has(key))).toEqual([])
    expect(new Set(await chainedKeys(store))).toEqual(keys)
    await rm(folder, { recursive: true })
  })

  const strace = spawnSync('strace', ['-V']).status === 0

  test.runIf(strace)(
    'after one failed fsync the process stops, and the next one finds all that was acknowledged',
    { timeout: 240_000 },
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'mayfly-fsync-'))
      const path = join(folder, 'data')
      const acknowledged: string[] = []
      const inject = [
        '-f',
        '-qq',
        '-o',
        join(folder, 'trace'),
        '-e',
        'trace=fsync,fdatasync',
        '-e',
        'inject=fsync,fdatasync:error=EIO:when=40'
      ]
      const child = spawn('strace', [...inject, process.execPath, program, path, 'run'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
      const words: Word[] = []
      child.on('message', (word: Word) => {
        words.push(word)
        if (word.acknowledged) acknowledged.push(word.acknowledged)
      })
      expect((await once(child, 'exit'))[0]).toBe(70)
      expect(words.findLast(({ fatal }) => fatal !== undefined)?.fatal).toContain('cannot be written safely')
      await using store = await openSqlite({ path, reserveBytes: 65_536 })
      const keys = new Set(await store.keys('s', '', '', 1_000_000))
      expect(acknowledged.filter(key => !keys.has(key))).toEqual([])
      expect(new Set(await chainedKeys(store))).toEqual(keys)
      await rm(folder, { recursive: true })
    }
  )
})

async function saidAt(child: ChildProcess, wanted: (word: Word) => boolean): Promise<void> {
  for (;;) {
    const [word] = (await once(child, 'message')) as [Word]
    if (wanted(word)) return
  }
}

/** What the audit lines tell, each link checked. */
async function chainedKeys(store: Store): Promise<string[]> {
  const keys: string[] = []
  let head = chainStart
  for (const { line } of await store.auditLines(0, 1_000_000)) {
    const { seq, hash, node, body } = unchain(line)!
    expect(seq).toBe(head.seq + 1)
    expect(hash).toBe(linkHash(node, head.hash, seq, body))
    head = { seq, hash }
    keys.push((JSON.parse(body) as { key: string }).key)
  }
  expect(await store.chainHead()).toEqual(head)
  return keys
}

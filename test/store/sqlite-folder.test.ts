import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { lockHolder } from '../../src/store/sqlite/folder/lock-holder.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'

const refused = (message: string) =>
  expect.objectContaining({ code: 'store_unreachable', message: expect.stringContaining(message) as string }) as unknown

describe('the folder of a store', () => {
  let folder = ''
  let path = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mayfly-folder-'))
    path = join(folder, 'data')
  })
  afterEach(() => rm(folder, { recursive: true }))

  const open = () => openSqlite({ path, reserveBytes: 65_536 })

  async function made(): Promise<void> {
    const store = await open()
    await store[Symbol.asyncDispose]()
  }

  test('folder and files are for their owner alone, whatever the umask says', async () => {
    const umask = process.umask(0)
    try {
      await using store = await open()
      await store.commit([], ['{"n":1}'])
      expect(lstatSync(path).mode & 0o777).toBe(0o700)
      expect(readdirSync(path)).toEqual(expect.arrayContaining(['lock.db', 'mayfly.db', 'mayfly.db-shm', 'mayfly.db-wal']))
      for (const file of readdirSync(path)) expect([file, lstatSync(join(path, file)).mode & 0o777]).toEqual([file, 0o600])
    } finally {
      process.umask(umask)
    }
  })

  test('a folder that others can enter is refused', async () => {
    mkdirSync(path)
    chmodSync(path, 0o750)
    await expect(open()).rejects.toEqual(refused('open to other users'))
  })

  test('a database that others can read is refused', async () => {
    await made()
    chmodSync(join(path, 'mayfly.db'), 0o644)
    await expect(open()).rejects.toEqual(refused('mayfly.db is open to other users'))
  })

  test('a symbolic link is refused, as folder and as file', async () => {
    mkdirSync(join(folder, 'elsewhere'), { mode: 0o700 })
    symlinkSync(join(folder, 'elsewhere'), path)
    await expect(open()).rejects.toEqual(refused('symbolic link'))
    rmSync(path)
    await made()
    renameSync(join(path, 'mayfly.db'), join(folder, 'moved.db'))
    symlinkSync(join(folder, 'moved.db'), join(path, 'mayfly.db'))
    await expect(open()).rejects.toEqual(refused('no plain file'))
  })

  test('a folder in a place that everybody can write to is refused', async () => {
    mkdirSync(join(folder, 'open'))
    chmodSync(join(folder, 'open'), 0o777)
    await expect(openSqlite({ path: join(folder, 'open', 'data') })).rejects.toEqual(refused('everybody can write'))
  })

  test.runIf(process.getuid?.() === 0)('a folder of another user is refused', async () => {
    mkdirSync(path, { mode: 0o700 })
    const { chownSync } = await import('node:fs')
    chownSync(path, 65_534, 65_534)
    await expect(open()).rejects.toEqual(refused('belongs to another user'))
  })

  test('a second owner is refused, in this process and in another, and the first goes on', async () => {
    await using store = await open()
    await expect(open()).rejects.toEqual(refused('another mayfly uses the folder'))
    expect(await openElsewhere(path)).toContain('another mayfly uses the folder')
    await store.commit([], ['{"n":1}'])
    expect(await openElsewhere(path)).toContain('another mayfly uses the folder')
  })

  test('who does not end in the time that it is given is named', async () => {
    const child = elsewhere(path, 'setInterval(() => undefined, 1000); process.send("open")')
    await once(child, 'message')
    const who = process.platform === 'linux' ? `: process ${child.pid}, which` : ': it'
    await expect(openSqlite({ path, ownerWaitMs: 50 })).rejects.toEqual(refused(`uses the folder ${path}${who} did not end within 0.05 s`))
    child.kill('SIGKILL')
    await once(child, 'exit')
  })

  test('a file of the same number on another device is not the lock', async () => {
    await made()
    const file = join(path, 'lock.db')
    const { ino, dev } = lstatSync(file)
    const device = `${((dev >> 8) & 0xff).toString(16).padStart(2, '0')}:${(dev & 0xff).toString(16).padStart(2, '0')}`
    const locks = join(folder, 'locks')
    const line = (on: string, pid: number) => `1: POSIX  ADVISORY  WRITE ${pid} ${on}:${ino} 1073741824 1073742335\n`
    writeFileSync(locks, line('fd:63', 4_242) + line(device, 4_343))
    expect(lockHolder(file, locks)).toBe(4_343)
    writeFileSync(locks, line('fd:63', 4_242))
    if (dev >> 8 > 0) expect(lockHolder(file, locks)).toBeUndefined()
  })

  test('who is ending is waited for', async () => {
    const child = elsewhere(path, 'process.on("message", () => setTimeout(() => process.exit(), 1500)); process.send("open")')
    await once(child, 'message')
    const next = openSqlite({ path, reserveBytes: 65_536, ownerWaitMs: 60_000 })
    child.send('end')
    await using store = await next
    await store.commit([], ['{"n":1}'])
  })

  test('the folder is free again when its owner was killed', async () => {
    const child = elsewhere(path, 'setInterval(() => undefined, 1000); process.send("open")')
    expect(await once(child, 'message')).toEqual(['open', undefined])
    await expect(open()).rejects.toEqual(refused('another mayfly'))
    child.kill('SIGKILL')
    await once(child, 'exit')
    await made()
  })

  test('a store of a newer schema is refused, naming both', async () => {
    await made()
    const db = new DatabaseSync(join(path, 'mayfly.db'))
    db.exec('pragma user_version = 99')
    db.close()
    await expect(open()).rejects.toEqual(refused('has schema 99, and this mayfly knows up to 1'))
  })

  test('a database of another program is never taken for a store', async () => {
    await made()
    rmSync(join(path, 'mayfly.db'))
    const db = new DatabaseSync(join(path, 'mayfly.db'))
    db.exec('create table notes (text)')
    db.close()
    chmodSync(join(path, 'mayfly.db'), 0o600)
    await expect(open()).rejects.toEqual(refused('no store of mayfly'))
    writeFileSync(join(path, 'mayfly.db'), 'this is not a database at all, but long enough to look like one'.repeat(100))
    await expect(open()).rejects.toThrow()
    expect(existsSync(join(path, 'mayfly.db-wal'))).toBe(false)
  })

  test('a log without its database is refused, never begun anew', async () => {
    await made()
    rmSync(join(path, 'mayfly.db'))
    writeFileSync(join(path, 'mayfly.db-wal'), 'what is left', { mode: 0o600 })
    await expect(open()).rejects.toEqual(refused('missing beside its log'))
  })

  test('what is closed answers nothing any more', async () => {
    const store = await open()
    const last = store.commit([], ['{"n":1}'])
    await store[Symbol.asyncDispose]()
    await expect(last).resolves.toEqual([])
    await expect(store.commit([], [])).rejects.toEqual(refused('closed'))
    await expect(store.timeMark()).rejects.toEqual(refused('closed'))
  })
})

const openModule = new URL('../../src/store/sqlite/open.ts', import.meta.url).href

function elsewhere(path: string, then: string) {
  const code = `import(${JSON.stringify(openModule)}).then(m => m.openSqlite({ path: ${JSON.stringify(path)}, reserveBytes: 65536 })).then(store => { ${then} }, error => process.send(error.message))`
  return spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
}

async function openElsewhere(path: string): Promise<string> {
  const child = elsewhere(path, 'process.send("open")')
  const [message] = (await once(child, 'message')) as [string]
  child.kill('SIGKILL')
  await once(child, 'exit')
  return message
}

import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BrokerError } from '../../src/contracts/index.ts'
import { Heartbeat } from '../../src/store/sqlite/folder/heartbeat.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { Whereabouts } from '../../src/store/sqlite/folder/whereabouts.ts'
import type { BeatStep } from '../../src/store/sqlite/folder/whereabouts.ts'
import { Database } from '../../src/store/sqlite/database.ts'
import { prepareFolder } from '../../src/store/sqlite/folder/folder.ts'
import type { Store } from '../../src/store/store.ts'

const now = Temporal.Instant.from('2026-11-29T12:00:00Z')

let folder = ''
let path = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-where-'))
  path = join(folder, 'data')
})
afterEach(() => rm(folder, { recursive: true }))

const open = (at = path, more: { readonly witness?: string } = {}) => openSqlite({ path: at, reserveBytes: 65_536, ...more })

/** One run: opens, writes something, ends in order. */
async function run(at = path, more: { readonly witness?: string } = {}): Promise<string | undefined> {
  await using store = await open(at, more)
  const { held } = await store.whereabouts()
  await store.commit([], ['{"n":1}'])
  return held?.cause
}

/** A store that has something to lose. */
async function initialised(more: { readonly witness?: string } = {}): Promise<void> {
  await using store = await open(path, more)
  const record = { kind: 'key_file', config: '{}', rootKey: new Uint8Array(1), keyring: new Uint8Array(1), instance: 'instance' }
  await store.commit([{ kind: 'seal.initialise', now, record }], ['{"n":1}'])
}

const heldSince = (why: string) => expect.stringContaining(why) as unknown as string

describe('a store that is not where it was is held', () => {
  const ways: readonly (readonly [string, () => unknown])[] = [
    ['cp -a', () => sh('cp', '-a', path, `${path}-2`)],
    ['fs.cp', () => cp(path, `${path}-2`, { recursive: true, preserveTimestamps: true })],
    ['tar', () => (sh('mkdir', '-m', '700', `${path}-2`), sh('sh', '-c', `tar -C ${path} -cpf - . | tar -C ${path}-2 -xpf -`))]
  ]
  for (const [name, copy] of ways)
    test(`copied by ${name}, while the original goes on and when it is gone`, async () => {
      await initialised()
      await copy()
      expect(await run()).toBeUndefined()
      expect(await run(`${path}-2`)).toEqual(heldSince('copied or restored'))
      rmSync(path, { recursive: true })
      renameSync(`${path}-2`, path)
      expect(await run()).toEqual(heldSince('copied or restored'))
    })

  test('copied to another file system', { skip: !existsSync('/dev/shm') }, async () => {
    await initialised()
    const other = await mkdtemp('/dev/shm/mayfly-where-')
    try {
      cpSync(path, join(other, 'data'), { recursive: true, preserveTimestamps: true })
      expect(await run(join(other, 'data'))).toEqual(heldSince('copied or restored'))
    } finally {
      await rm(other, { recursive: true })
    }
  })

  test('put back by tar over what is there', async () => {
    await initialised()
    sh('tar', '-C', path, '-cpf', join(folder, 'old.tar'), '.')
    await run()
    sh('tar', '-C', path, '-xpf', join(folder, 'old.tar'))
    expect(await run()).toEqual(heldSince('copied or restored'))
  })

  test('older files written over newer ones, in place: no file is another one, and the heartbeat that the database names is gone', async () => {
    await initialised()
    sh('cp', '-a', path, `${path}-2`)
    await run()
    const inode = statSync(join(path, 'mayfly.db')).ino
    sh('sh', '-c', `cp -a ${path}-2/. ${path}/`)
    expect(statSync(join(path, 'mayfly.db')).ino).toBe(inode)
    expect(await run()).toEqual(heldSince('older files were put back'))
  })

  test('the database alone written back in place', async () => {
    await initialised()
    sh('cp', '-a', path, `${path}-2`)
    await run()
    sh('cp', '-a', `${path}-2/mayfly.db`, `${path}/mayfly.db`)
    expect(await run()).toMatch(/at beat \d+ and the heartbeat beside it at \d+: older files were put back/)
  })

  test('a heartbeat that is not there', async () => {
    await initialised()
    rmSync(join(path, 'heartbeat'))
    expect(await run()).toEqual(heldSince('restored alone'))
  })

  test('a log that was thrown away takes the last commits with it', async () => {
    await initialised()
    const child = spawnSync(process.execPath, ['-e', dying(path)])
    expect(child.signal).toBe('SIGKILL')
    rmSync(join(path, 'mayfly.db-wal'))
    rmSync(join(path, 'mayfly.db-shm'), { force: true })
    expect(await run()).toEqual(heldSince('older files were put back'))
  })

  test('a snapshot that was put back, inodes, births and all, is told by the witness', async () => {
    const witness = join(folder, 'witness')
    await initialised({ witness })
    expect(await run(path, { witness })).toBeUndefined()
    expect(readFileSync(witness, 'utf8')).toMatch(/^\d+ instance$/)
    const before = beatOf(witness)
    expect(await run(path, { witness })).toBeUndefined()
    expect(beatOf(witness)).toBeGreaterThan(before)
    // What a later run has told it, before the snapshot.
    writeFileSync(witness, '1000 instance')
    expect(await run(path, { witness })).toEqual(heldSince('its witness has seen 1000'))
    expect(beatOf(witness)).toBe(1_000)
    await resumed(path, { witness })
    expect(await run(path, { witness })).toBeUndefined()
    expect(beatOf(witness)).toBeGreaterThan(1_000)
  })
})

test('a machine that was set back or cloned while it ran ends at its next beat, and its store is held', async () => {
  const witness = join(folder, 'witness')
  await initialised({ witness })
  const store = await openSqlite({ path, reserveBytes: 65_536, witness, beatMs: 1 })
  // What the other one, which runs on, has told it.
  writeFileSync(witness, `${beatOf(witness) + 1} instance`)
  await store.commit([], ['{"n":1}'])
  await expect(store.fatal).rejects.toThrow('the store cannot be written safely any more')
  await expect(store.commit([], ['{"n":2}'])).rejects.toMatchObject({ code: 'store_unreachable' })
  await store[Symbol.asyncDispose]()
  expect(await run(path, { witness })).toEqual(heldSince('set back or cloned while it ran'))
})

describe('a store that is where it was goes on', () => {
  test('when a copy of it, held or resumed, beats on in its own folder and names the same witness', async () => {
    const witness = join(folder, 'witness')
    await initialised({ witness })
    await run(path, { witness })
    sh('cp', '-a', path, `${path}-2`)
    for (let i = 0; i < 3; i++) expect(await run(`${path}-2`, { witness })).toEqual(heldSince('copied or restored'))
    expect(await run(path, { witness })).toBeUndefined()
    await resumed(`${path}-2`, { witness }, 'own')
    for (let i = 0; i < 3; i++) expect(await run(`${path}-2`, { witness })).toBeUndefined()
    expect(readFileSync(witness, 'utf8')).toMatch(/^\d+ own$/)
    expect(await run(path, { witness })).toBeUndefined()
  })

  test('when it is new, and its witness was another’s', async () => {
    const witness = join(folder, 'witness')
    for (const text of ['7', '7 other']) {
      writeFileSync(witness, text)
      rmSync(path, { recursive: true, force: true })
      await initialised({ witness })
      expect(await run(path, { witness })).toBeUndefined()
      expect(beatOf(witness)).toBeLessThan(7)
    }
  })

  test('when its disk was full from its first start on, so that it has never beaten', async () => {
    await initialised()
    edit(path, `update whereabouts set beat = 0, heartbeat_file = ''`)
    rmSync(join(path, 'heartbeat'))
    expect(await run()).toBeUndefined()
  })

  test('when the disk of its witness is full: that is no worse than to have none', () => {
    for (const cause of [{ code: 'ENOSPC' }, { code: 'UNKNOWN', errno: -constants.errno.EDQUOT }]) {
      const full = new BrokerError('store_unreachable', 'cannot write the witness', { cause: Object.assign(new Error('full'), cause) })
      expect(() =>
        new Heartbeat(
          () => failed(full),
          () => undefined
        ).first(() => false)
      ).not.toThrow()
    }
    expect(() =>
      new Heartbeat(
        () => failed(new Error('no such folder')),
        () => undefined
      ).first(() => false)
    ).toThrow('no such folder')
  })

  test('after its end, with other times, modes and owners, and moved within its file system', async () => {
    await initialised()
    for (const file of ['mayfly.db', 'heartbeat']) utimesSync(join(path, file), 1, 1)
    sh('chown', '-R', String(process.getuid!()), path)
    expect(await run()).toBeUndefined()
    renameSync(path, `${path}-moved`)
    expect(await run(`${path}-moved`)).toBeUndefined()
  })

  test('when what was copied is put back and nothing was written since', async () => {
    await initialised()
    sh('cp', '-a', path, `${path}-2`)
    sh('sh', '-c', `cp -a ${path}-2/. ${path}/`)
    expect(await run()).toBeUndefined()
  })

  test('when it was never initialised: there is nothing to hold', async () => {
    await run()
    sh('cp', '-a', path, `${path}-2`)
    expect(await run(`${path}-2`)).toBeUndefined()
    expect(await run(`${path}-2`)).toBeUndefined()
  })

  test('after SIGKILL at any moment, beating without a pause', async () => {
    await initialised()
    for (let i = 0; i < 15; i++) expect(spawnSync(process.execPath, ['-e', dying(path, 1, Math.random() * 120)]).signal).toBe('SIGKILL')
    expect(await run()).toBeUndefined()
  })

  test('when a beat that was named could not be put in place before the next one began', async () => {
    await initialised()
    dieIn('named')
    dieIn('written')
    expect(await run()).toBeUndefined()
  })

  for (const step of ['written', 'named', 'placed'] as const)
    test(`when a beat dies with the step "${step}"`, async () => {
      await initialised()
      dieIn(step)
      expect(await run()).toBeUndefined()
      expect(await run()).toBeUndefined()
      expect(existsSync(join(path, 'heartbeat.next'))).toBe(false)
    })
})

async function copied(): Promise<Store> {
  await initialised()
  sh('cp', '-a', path, `${path}-2`)
  return open(`${path}-2`)
}

test('a witness that cannot be written is told at start, and one that is no number says nothing', async () => {
  await expect(run(path, { witness: join(folder, 'nowhere', 'witness') })).rejects.toThrow(
    /cannot write the witness .*nowhere.witness: ENOENT/
  )
  writeFileSync(join(folder, 'witness'), 'not a number')
  expect(await run(path, { witness: join(folder, 'witness') })).toBeUndefined()
})

describe('a held store', () => {
  test('that is found elsewhere once more may be resumed as what it is there, unless its leases are set aside', async () => {
    for (const [as, then] of [
      ['restored', undefined],
      ['copy', 'copy']
    ] as const) {
      rmSync(path, { recursive: true, force: true })
      rmSync(`${path}-2`, { recursive: true, force: true })
      const store = await copied()
      await store.commit([{ kind: 'held.begin', now, as }], [])
      await store[Symbol.asyncDispose]()
      rmSync(path, { recursive: true })
      sh('cp', '-a', `${path}-2`, path)
      await using again = await open()
      expect((await again.whereabouts()).held?.resuming).toBe(then)
    }
  })

  test('is held again after each start, and a copy of it too', async () => {
    await (await copied())[Symbol.asyncDispose]()
    expect(await run(`${path}-2`)).toEqual(heldSince('copied or restored'))
    sh('cp', '-a', `${path}-2`, `${path}-3`)
    expect(await run(`${path}-3`)).toEqual(heldSince('copied or restored'))
  })

  test('takes entries of the trail under another node, and refuses all else in a sentence that names the ways out', async () => {
    await using store = await copied()
    await using original = await open()
    expect(store.node.id).not.toBe(original.node.id)
    await store.commit([], ['{"n":2}'])
    expect((await store.auditLines(0, 10)).map(({ line }) => (JSON.parse(line) as { node: string }).node)).toEqual([
      original.node.id,
      store.node.id
    ])
    const refused = expect.objectContaining({
      code: 'held',
      message: expect.stringMatching(/operator resume --restored.*operator resume --copy/) as string
    }) as unknown
    const change = { kind: 'entry.put', now, space: 's', key: 'k', value: new Uint8Array(1) } as const
    await expect(store.commit([change], [])).rejects.toEqual(refused)
    await expect(store.commit([{ kind: 'lease.takeOver', now }], [])).rejects.toEqual(refused)
    await expect(store.commit([{ kind: 'tokens.expire', now, limit: 1 }], [])).rejects.toEqual(refused)
    await expect(store.commit([{ kind: 'held.setAside', now, limit: 1 }], [])).rejects.toEqual(refused)
    await original.commit([change], [])
  })

  test('resumes as it was begun, once, and is where it is from then on', async () => {
    const store = await copied()
    await expect(store.commit([{ kind: 'held.lift', now, as: 'copy' }], [])).rejects.toThrow('is not being resumed')
    await store.commit([{ kind: 'held.begin', now, as: 'copy' }], [])
    await store.commit([{ kind: 'held.begin', now, as: 'copy' }], [])
    await expect(store.commit([{ kind: 'held.begin', now, as: 'restored' }], [])).rejects.toThrow('has begun with --copy')
    await store.commit([{ kind: 'held.lift', now, as: 'copy', instance: 'own' }], [])
    expect(await store.whereabouts()).toEqual({ instance: 'own' })
    await store.commit([{ kind: 'entry.put', now, space: 's', key: 'k', value: new Uint8Array(1) }], [])
    await expect(store.commit([{ kind: 'held.begin', now, as: 'copy' }], [])).rejects.toThrow('is not held')
    await store[Symbol.asyncDispose]()
    expect(await run(`${path}-2`)).toBeUndefined()
  })
})

/** As an operator would: `instance` of a copy. */
async function resumed(at: string, more: { readonly witness: string }, instance?: string): Promise<void> {
  await using store = await open(at, more)
  const as = instance === undefined ? 'restored' : 'copy'
  await store.commit([{ kind: 'held.begin', now, as }], [])
  await store.commit([{ kind: 'held.lift', now, as, ...(instance === undefined ? {} : { instance }) }], [])
}

function beatOf(witness: string): number {
  return Number.parseInt(readFileSync(witness, 'utf8'))
}

function edit(at: string, sql: string): void {
  using db = new DatabaseSync(join(at, 'mayfly.db'))
  db.exec(sql)
}

function failed(error: Error): never {
  throw error
}

function sh(command: string, ...parameters: readonly string[]): void {
  const { status, stderr } = spawnSync(command, parameters)
  if (status !== 0) throw new Error(`${command}: ${stderr.toString()}`)
}

const openModule = new URL('../../src/store/sqlite/open.ts', import.meta.url).href

/** A process that opens the store, commits as fast as it can and kills itself. */
function dying(at: string, beatMs = 10_000, afterMs = 20): string {
  return `import(${JSON.stringify(openModule)}).then(async m => {
    const store = await m.openSqlite({ path: ${JSON.stringify(at)}, reserveBytes: 65536, beatMs: ${beatMs} })
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), ${afterMs})
    for (;;) await store.commit([], ['{"n":1}'])
  })`
}

/** A beat on the real files that ends as a kill would end it. */
function dieIn(step: BeatStep): void {
  const files = prepareFolder(path)
  const db = new Database(new DatabaseSync(files.database))
  try {
    const node = db.get<{ id: string; epoch: number }>('select id, epoch from node')!
    const beat = () =>
      new Whereabouts(db, files, undefined).beat({ node: node.id, epoch: node.epoch }, here => {
        if (here === step) throw new Error('dies here')
      })
    expect(beat).toThrow('dies here')
  } finally {
    db.close()
  }
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { backupPoints, resumePoints } from '../../src/broker/crash-point.ts'
import { Child } from './child.ts'
import { runSuite } from './suite.ts'
import { backup, BackedUp } from './suites/backup.ts'
import { Restored } from './suites/restore.ts'

// Each starts three brokers and as many clients.
const timeout = 180_000

describe('a broker that dies in a backup', () => {
  for (const point of backupPoints)
    test(`at ${point}: no file has the name, nothing is left, and it goes on`, { timeout }, async () => {
      await using stage = await BackedUp.open()
      {
        await using broker = await stage.stand.started(point)
        const [code] = (await once(stage.backingUp(), 'exit')) as [number]
        await broker.ended
        expect(broker.killed).toBe(true)
        expect(code).not.toBe(0)
      }
      expect(readdirSync(stage.stand.folder).filter(name => name.startsWith('a.backup'))).toEqual([])
      expect(await stage.broken()).toEqual([])
    })

  test('or whose client does, at random: no half file has the name, and it goes on', { timeout }, async () => {
    const report = await runSuite(backup, { each: 0, random: 6 })
    expect(report).toMatchObject({ kills: 6, broken: [] })
    expect(report.answered).toBeGreaterThan(0)
  })
})

describe('a restore, or the resume after it, that is cut off', () => {
  let stage: Restored

  beforeAll(async () => {
    stage = await Restored.open()
  }, timeout)
  afterAll(() => stage[Symbol.asyncDispose]())

  test('leaves no store behind, refuses to begin another one, and can be done again', { timeout }, async () => {
    const { backedUp } = stage
    const { stand } = backedUp
    const data = stand.at('data')
    renameSync(data, stand.at('lost'))
    const code = `import(${JSON.stringify(join(import.meta.dirname, '../../src/store/sqlite/copies/restore-database.ts'))}).then(m =>
      m.restoreDatabase(${JSON.stringify(data)}, (async function* () { yield Buffer.alloc(4096); process.kill(process.pid, 'SIGKILL') })(), { schema: 1 }, {}))`
    const [, signal] = (await once(spawn(process.execPath, ['-e', code], { stdio: 'ignore' }), 'exit')) as [null, string]
    expect(signal).toBe('SIGKILL')
    expect(readdirSync(data)).toEqual(['restoring.tmp'])
    const refused = Child.start(stand.config)
    await refused.ended
    expect(refused.output).toContain('a restore into')
    expect(readdirSync(data)).toEqual(['restoring.tmp'])
    await backedUp.restoring()
    await using again = await stand.started()
    expect((await stand.api.ask('GET', 'sys/health')).body).toMatchObject({ held: true })
    expect(await backedUp.held()).toBe(20)
    await again.stop()
  })

  test('at random is done or begun anew, and so is the resume that follows', { timeout }, async () => {
    for (const afterMs of [4, 15, 260, 420]) await stage.die({ afterMs })
    expect(await stage.broken()).toEqual([])
    expect(stage.answered).toBe(4)
  })

  for (const as of ['restored', 'copy'] as const)
    for (const point of resumePoints)
      test(`resumed as ${as}, at ${point}: it is held until it is done again, or done`, { timeout }, async () => {
        await stage.restored()
        const { stand } = stage.backedUp
        expect(await stage.resumeDies({ point, pass: 1 }, as)).toBe(true)
        await using broker = await stand.started()
        const { body: health } = await stand.api.ask('GET', 'sys/health')
        if (point === 'resume:before-lift') expect(health).toMatchObject({ held: true, resuming_as: as })
        else expect(health).not.toHaveProperty('held')
        await broker.stop()
        expect(await stage.resumedBroken(as, true)).toEqual([])
      })
})

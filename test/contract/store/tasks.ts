import { describe, expect, test } from 'vitest'
import { World, bytes } from './world.ts'
import type { OpenStore } from './world.ts'

export function tasks(open: OpenStore): void {
  describe('tasks', () => {
    const task = { mount: 'mount-1', task: 'rotate', key: 'root' } as const

    test('a task is due at its time and says what comes next', async () => {
      await using world = await World.open(open)
      await world.change({ kind: 'task.schedule', ...task, dueAt: world.in({ minutes: 5 }), intent: bytes('intent') })
      const early = await world.store.dueWork(world.now)
      expect(early.tasks).toEqual([])
      expect(early.next).toEqual(world.in({ minutes: 5 }))
      world.advance({ minutes: 5 })
      const [due] = (await world.store.dueWork(world.now)).tasks
      expect(due).toMatchObject({ ...task, intent: bytes('intent'), dueAt: world.now })
    })

    test('a task that fails keeps its last error and counts, until a run succeeds', async () => {
      await using world = await World.open(open)
      await world.change({ kind: 'task.schedule', ...task, dueAt: world.now, intent: bytes('intent') })
      const due = async () => (await world.store.dueWork(world.now)).tasks[0]!
      const settle = async (error: string | null) =>
        world.change({ kind: 'task.settle', ...task, version: (await due()).version, again: world.now, error })
      expect(await due()).toMatchObject({ failures: 0, lastError: null })
      await settle('no')
      await settle('x'.repeat(1_000))
      expect(await due()).toMatchObject({ failures: 2, lastError: 'x'.repeat(240) })
      await settle(null)
      expect(await due()).toMatchObject({ failures: 0, lastError: null })
    })

    test('a run that was overtaken by a new schedule settles nothing', async () => {
      await using world = await World.open(open)
      const schedule = (intent: string) => world.change({ kind: 'task.schedule', ...task, dueAt: world.now, intent: bytes(intent) })
      const settle = (version: number, again: Temporal.Instant | null = null) =>
        world.change({ kind: 'task.settle', ...task, version, again, error: null, audit: ['{"n":"settled"}'] })
      await schedule('first')
      const [first] = (await world.store.dueWork(world.now)).tasks
      await world.change({ kind: 'task.unschedule', ...task })
      await schedule('second')
      expect(await settle(first!.version)).toMatchObject({ applied: false })
      expect(await world.store.chainHead()).toMatchObject({ seq: 0 })
      const [second] = (await world.store.dueWork(world.now)).tasks
      expect(second?.intent).toEqual(bytes('second'))
      expect(await settle(second!.version, world.in({ minutes: 1 }))).toMatchObject({ applied: true })
      expect((await world.store.dueWork(world.now)).next).toEqual(world.in({ minutes: 1 }))
      expect(await settle(second!.version)).toMatchObject({ applied: true })
      expect((await world.store.dueWork(world.in({ hours: 1 }))).tasks).toEqual([])
      expect(await world.change({ kind: 'task.unschedule', ...task })).toMatchObject({ applied: false })
    })
  })
}

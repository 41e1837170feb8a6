import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { World, bytes } from '../contract/store/world.ts'

const task = { kind: 'task.settle', mount: 'm', task: 'publish', key: 'list', version: 1, again: null, error: null } as const

const byKey = { kind: 'cascade.open', selector: { kind: 'subject', mount: 'm', subject: 'a key' }, cause: 'manual', by: '' } as const

const mayMount = process.getuid?.() === 0 && process.platform === 'linux'

describe.runIf(mayMount)('a full disk', () => {
  test(
    'what ends access goes on from the reserve, what grants it is refused, and all resumes by itself',
    { timeout: 240_000 },
    async context => {
      await using disk = await smallDisk('32m')
      if (!disk) {
        context.skip('this machine lets nobody mount')
        return
      }
      const store = await openSqlite({ path: join(disk.folder, 'data') })
      await using world = new World({ store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() })
      const token = await world.token()
      const leases = []
      for (let i = 0; i < 50; i++) leases.push(await world.active(token))
      await until(() => existsSync(join(disk.folder, 'data', 'reserve')))

      const ballast = join(disk.folder, 'ballast')
      writeFileSync(ballast, Buffer.alloc(freeBytes(disk.folder)), { flag: 'w' })
      await expect(writeUntilRefused(world)).resolves.toMatchObject({ code: 'store_unreachable' })
      await expect(world.begin(token)).rejects.toMatchObject({ code: 'store_unreachable' })
      await expect(world.store.commit([], ['{"n":"a read"}'])).rejects.toMatchObject({ code: 'store_unreachable' })
      expect(await world.store.authenticate(token.hash, world.now)).toMatchObject({ token: { hash: token.hash } })

      for (const { id } of leases) await world.change({ kind: 'lease.due', id, cause: 'manual', audit: [`{"due":"${id}"}`] })
      for (;;) {
        const claimed = await world.claim({ limit: 10 })
        if (claimed.length === 0) break
        // What a revocation publishes is a part of it; alone it is as refused as anything else.
        const row = {
          kind: 'entry.put',
          now: world.now,
          space: 'mount:m',
          key: `revoked/${claimed[0]!.version}`,
          value: bytes('serial')
        } as const
        await expect(world.store.commit([row], [])).rejects.toMatchObject({ code: 'store_unreachable' })
        await world.store.commit([row, { ...byKey, now: world.now }], [])
        const published = { ...task, now: world.now } as const
        await expect(world.store.commit([row, published], [])).rejects.toMatchObject({ code: 'store_unreachable' })
        await world.store.commit([row, { ...published, endsAccess: true }], [])
        const settlements = claimed.map(({ id, version }) => ({ id, version, outcome: 'gone' }) as const)
        const [, settled] = await world.store.commit([row, { kind: 'lease.settle', now: world.now, settlements }], [])
        expect(settled?.count).toBe(claimed.length)
      }
      expect(await world.store.leaseCounts()).toEqual([{ mount: 'mount-1', state: 'revoked', count: 50 }])

      rmSync(ballast)
      await until(async () =>
        world.active(token).then(
          () => true,
          () => false
        )
      )
      expect(statSync(join(disk.folder, 'data', 'reserve')).size).toBeGreaterThan(0)
    }
  )
})

async function writeUntilRefused(world: World): Promise<unknown> {
  for (let n = 0; n < 10_000; n++) {
    const refused = await world.change({ kind: 'entry.put', space: 's', key: String(n), value: bytes('x'.repeat(10_000)) }).then(
      () => undefined,
      (error: unknown) => error
    )
    if (refused) return refused
  }
  throw new Error('the disk never filled')
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (await holds()) return
    await delay(100)
  }
  throw new Error('it never came to hold')
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

async function smallDisk(size: string): Promise<(AsyncDisposable & { readonly folder: string }) | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-disk-'))
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]).status !== 0) {
    await rm(folder, { recursive: true })
    return undefined
  }
  return {
    folder,
    async [Symbol.asyncDispose]() {
      spawnSync('umount', [folder])
      await rm(folder, { recursive: true })
    }
  }
}

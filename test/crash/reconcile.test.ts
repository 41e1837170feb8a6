/** A SIGKILL around the promise that ends what had no lease: before it nothing has happened, and after it whoever starts next keeps it. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { usersOf } from '../../plugins/memory/target.ts'
import { reconcilePoints } from '../../src/broker/crash-point.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { smallBroker } from '../broker/small-broker.ts'

const program = new URL('reconcile-child.ts', import.meta.url).pathname

async function killedAt(point: string, folder: string): Promise<void> {
  const child = spawn(process.execPath, [program, folder, point], { stdio: 'inherit', env: { ...process.env, TMPDIR: folder } })
  const signal = await new Promise(resolve => child.once('exit', (_, by) => resolve(by)))
  expect(signal).toBe('SIGKILL')
}

test.each(reconcilePoints)('killed at %s it ends the user after the next start, once', { timeout: 60_000 }, async point => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-reconcile-'))
  try {
    const users = join(folder, 'users.db')
    await killedAt(point, folder)
    expect(usersOf(users)).toMatchObject([{ name: 'm-app-lost', enabled: true }])
    await using broker = await smallBroker({ store: await openSqlite({ path: join(folder, 'data') }), root: 'of the run before' })
    const promised = await broker.store.leasesNamed(['m-app-lost'])
    expect(promised).toHaveLength(point === 'reconcile:before-adopt' ? 0 : 1)
    // Before its promise nothing is known of it: it waits for two looks once more.
    const later = async () => {
      await broker.clock.advance(2_000)
      return broker.store.leasesNamed(['m-app-lost'])
    }
    await expect.poll(later, { timeout: 30_000, interval: 10 }).toMatchObject([{ state: 'revoked', cause: 'reconciled' }])
    expect(usersOf(users)).toEqual([])
    if (promised.length > 0) expect(broker.clock.elapsed()).toBeLessThan(60_000)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

import { execFileSync, spawn } from 'node:child_process'
import { closeSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { latenessMsMax } from '../fault-world.ts'
import type { FaultWorld } from '../fault-world.ts'
import { must } from '../scenario.ts'
import type { Scenario } from '../scenario.ts'
import { noMounts } from '../tools.ts'

// A sink may lag for a minute before secrets are refused.
const refusedWithinMs = 75_000

export const auditFull: Scenario = {
  name: 'audit sink full',
  fault: 'the disk of the audit file is full for more than a minute',
  promise: 'everything ends on time all the while; after a minute nothing is issued; with room the trail is whole',
  missing: noMounts,
  auditMegabytes: 2,
  async run(world) {
    const filler = join(world.folder, 'audit', 'filler')
    try {
      execFileSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k'], { stdio: 'ignore' })
    } catch {
      // No space left: that is the point.
    }
    return stuckSink(world, async () => rmSync(filler))
  }
}

export const auditBlocked: Scenario = {
  name: 'audit sink blocked',
  fault: 'a second sink is a FIFO that nobody reads, then the only one is',
  promise: 'one sink that works is enough; revocation never waits for any; the one that blocks delays no other',
  async run(world) {
    const fifo = join(world.folder, 'fifo')
    execFileSync('mkfifo', ['-m', '0600', fifo])
    // Held open for reading and never read: its buffer fills, and then writing blocks.
    const reader = openSync(fifo, 'r+')
    await world.broker.stop()
    execFileSync('sed', [
      '-i',
      `s#^audit: .*#audit: [{ type: file, path: ./audit/audit.jsonl }, { type: file, path: ${fifo} }]#`,
      world.config
    ])
    await world.startAgain()
    const live = await world.issueMany(60, 5)
    const late = await world.untilGone(live, { limitMs: latenessMsMax })
    const status = await world.tries()
    must(status === 200, `issuing stopped with one sink that works: ${status}`)
    const drain = spawn('cat', [fifo], { stdio: 'ignore' })
    closeSync(reader)
    await world.settle()
    drain.kill()
    return `60 ended at most ${Math.round(late)} ms late, issuing went on, the other sink's trail is whole`
  }
}

async function stuckSink(world: FaultWorld, mend: () => Promise<void>): Promise<string> {
  const early = await world.issueMany(20, 8)
  const late = await world.untilGone(early, { limitMs: latenessMsMax })
  const lasting = await world.issueMany(20, 20)
  const [refused, lateThen] = await Promise.all([
    world.until('secrets are refused', refusedWithinMs, async () => (await world.tries()) === 500),
    world.untilGone(lasting, { limitMs: latenessMsMax })
  ])
  await mend()
  const back = await world.until('issuing is back', 15_000, async () => (await world.tries()) === 200)
  await wait(500)
  await world.settle()
  return `40 ended at most ${Math.round(Math.max(late, lateThen))} ms late, refused after ${Math.round(refused / 1_000)} s, back after ${Math.round(back)} ms, trail whole`
}

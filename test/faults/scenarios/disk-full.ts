import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { latenessMsMax } from '../fault-world.ts'
import { must } from '../scenario.ts'
import type { Scenario } from '../scenario.ts'
import { noMounts } from '../tools.ts'

export const diskFull: Scenario = {
  name: 'disk full',
  fault: 'the disk of the store is filled to the last byte while credentials live',
  promise: 'nothing is issued, everything ends on time from the reserve, and issuing comes back with the room',
  short: true,
  missing: noMounts,
  storeMegabytes: 48,
  async run(world) {
    const live = await world.issueMany(20, 8)
    const filler = join(world.data, 'filler')
    fill(filler)
    const status = await world.until('issuing is refused', 5_000, async () => (await world.tries()) === 500)
    must((await world.api.ask('GET', 'sys/health')).status === 200, 'a full disk must not make the broker unhealthy')
    const late = await world.untilGone(live, { limitMs: latenessMsMax })
    rmSync(filler)
    const back = await world.until('issuing is back', 10_000, async () => (await world.tries()) === 200)
    await world.settle()
    return `refused after ${ms(status)}, 20 ended at most ${ms(late)} late, back ${ms(back)} after there was room`
  }
}

const ms = (milliseconds: number) => `${Math.round(milliseconds)} ms`

function fill(file: string): void {
  try {
    execFileSync('dd', ['if=/dev/zero', `of=${file}`, 'bs=64k'], { stdio: 'ignore' })
  } catch {
    // No space left: that is the point.
  }
}

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { latenessMsMax } from '../fault-world.ts'
import { must } from '../scenario.ts'
import type { Scenario } from '../scenario.ts'
import { fakeTime, noFakeTime } from '../tools.ts'

export const clockAhead = clockStep('+1d', 'a day ahead')
export const clockBehind = clockStep('-1d', 'a day back')

function clockStep(step: string, words: string): Scenario {
  return {
    name: `clock ${words}`,
    fault: `the host's clock steps ${words} while the broker runs, and back again later`,
    promise: 'nothing is ended early, nothing late, nothing is issued meanwhile, and all goes on when the clock is right',
    missing: noFakeTime,
    async run(world) {
      const file = join(world.folder, 'faketime')
      writeFileSync(file, '+0\n')
      const env = { LD_PRELOAD: fakeTime!, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' }
      await world.restart([], env)
      const long = await world.issueMany(10, 600)
      const short = await world.issueMany(10, 8)
      writeFileSync(file, `${step}\n`)
      const refused = await world.until('issuing is refused', 10_000, async () => (await world.tries()) === 500)
      const late = await world.untilGone(short, { limitMs: latenessMsMax })
      await wait(3_000)
      const alive = (await Promise.all(long.map(one => world.logsIn(one)))).filter(Boolean).length
      must(alive === long.length, `${long.length - alive} of ${long.length} credentials were ended before their time`)
      writeFileSync(file, '+0\n')
      const back = await world.until('issuing is back', 15_000, async () => (await world.tries()) === 200)
      await world.settle()
      return `refused after ${Math.round(refused)} ms, 10 of 10 kept, 10 ended at most ${Math.round(late)} ms late, back after ${Math.round(back)} ms`
    }
  }
}

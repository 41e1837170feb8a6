import process from 'node:process'
import { setTimeout as wait } from 'node:timers/promises'
import { latenessMsMax } from '../fault-world.ts'
import type { Credential } from '../fault-world.ts'
import { must } from '../scenario.ts'
import type { Scenario } from '../scenario.ts'

const pauseMs = 12_000

export const paused: Scenario = {
  name: 'paused',
  fault: `SIGSTOP for ${pauseMs / 1_000} s in the middle of issuing, longer than the credentials live`,
  promise: 'they die by themselves meanwhile; no reply hands out a dead one; all is revoked within 10 s of going on',
  async run(world) {
    const live = await world.issueMany(10, 5)
    const pid = world.broker.pid
    const underWay = Array.from({ length: 8 }, () => world.issue(5).then(worksNow, () => undefined))
    async function worksNow(credential: Credential) {
      return { credential, works: await world.logsIn(credential) }
    }
    await wait(15)
    process.kill(pid, 'SIGSTOP')
    await wait(pauseMs)
    const alive = (await Promise.all(live.map(one => world.logsIn(one)))).filter(Boolean).length
    const resumedAt = performance.now()
    process.kill(pid, 'SIGCONT')
    must(alive === 0, `${alive} credentials were alive after their time`)
    const answered = (await Promise.all(underWay)).filter(one => one !== undefined)
    must(
      answered.every(({ works }) => works),
      'a reply handed out a dead credential'
    )
    const late = await world.untilGone(live, { limitMs: latenessMsMax, from: resumedAt })
    must((await world.until('issuing is back', 10_000, async () => (await world.tries()) === 200)) < 10_000, '')
    await world.settle()
    return `0 of 10 alive after the pause, ${answered.length} of 8 under way answered, none dead; revoked ${Math.round(late)} ms after going on`
  }
}

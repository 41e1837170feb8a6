import { setTimeout as wait } from 'node:timers/promises'
import { latenessMsMax } from '../fault-world.ts'
import type { Credential } from '../fault-world.ts'
import type { Scenario } from '../scenario.ts'

const backWithinMs = 60_000

export const blackHole: Scenario = {
  name: 'target black-holed',
  fault: 'one of two targets swallows every byte while the credentials of both end',
  promise: 'the other keeps its time and goes on issuing; what waited is revoked within 60 s of the return',
  async run(world) {
    await world.useDatabase('silent', world.proxy.port)
    const silent = await world.issueMany(20, 5, 'silent')
    const healthy: Credential[] = [...(await world.issueMany(20, 5))]
    world.proxy.fault = { kind: 'black-hole' }
    const rounds: number[] = []
    for (let round = 0; round < 3; round++) {
      rounds.push(await world.untilGone(healthy.splice(0), { limitMs: latenessMsMax }))
      healthy.push(...(await world.issueMany(20, 5)))
    }
    const late = Math.max(...rounds, await world.untilGone(healthy, { limitMs: latenessMsMax }))
    await wait(1_000)
    world.proxy.fault = { kind: 'pass' }
    const returnedAt = performance.now()
    const after = await world.untilGone(silent, { limitMs: backWithinMs, from: returnedAt })
    await world.api.must('PUT', 'sys/leases/revoke-prefix/silent', { sync: true })
    await world.settle()
    return `80 of the healthy target at most ${Math.round(late)} ms late; 20 of the silent one ${(after / 1_000).toFixed(1)} s after its return`
  }
}

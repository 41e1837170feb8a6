import { Child } from '../../crash/child.ts'
import { latenessMsMax } from '../fault-world.ts'
import type { Credential, FaultWorld } from '../fault-world.ts'
import { must } from '../scenario.ts'
import type { Scenario } from '../scenario.ts'
import { noStrace } from '../tools.ts'

// Past the start, and past what a few issuances need.
const failingSync = 60

export const fsyncError: Scenario = {
  name: 'fsync error',
  fault: 'one fsync fails with EIO while credentials are issued',
  promise: 'the process ends at once and non-zero; after a restart nothing acknowledged is lost and nothing is left behind',
  missing: noStrace,
  async run(world) {
    await world.broker.stop()
    const inject = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=fsync', '-e', `inject=fsync:error=EIO:when=${failingSync}`]
    world.broker = Child.startUnder(inject, {}, world.config)
    await world.broker.serving(world.api.address)
    const acknowledged = await issueUntilItEnds(world)
    await world.broker.ended
    must(world.broker.output.includes('cannot be trusted any more'), `it ended for another reason:\n${world.broker.output.slice(-2_000)}`)
    const endedAt = performance.now()
    await world.startAgain()
    for (const { lease } of acknowledged) {
      const { status } = await world.api.ask('GET', `sys/holdings?id=${encodeURIComponent(lease)}`)
      must(status === 200, `an acknowledged lease is lost: ${lease}`)
    }
    const late = await world.untilGone(acknowledged, { limitMs: latenessMsMax, from: endedAt })
    await world.settle()
    return `${acknowledged.length} acknowledged, 0 lost, all ended at most ${Math.round(late)} ms late`
  }
}

async function issueUntilItEnds(world: FaultWorld): Promise<readonly Credential[]> {
  const acknowledged: Credential[] = []
  while (world.broker.running) {
    const credential = await world.issue(5).catch(() => undefined)
    if (credential) acknowledged.push(credential)
    must(acknowledged.length < 2 * failingSync, 'the failing fsync never came')
  }
  return acknowledged
}

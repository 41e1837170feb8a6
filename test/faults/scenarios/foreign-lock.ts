import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { latenessMsMax } from '../fault-world.ts'
import { must } from '../scenario.ts'
import type { Scenario } from '../scenario.ts'

// A backup tool, or somebody with the sqlite shell. In a process of its own: a second library in this one would break the locks.
const holder = (file: string) => `
  import { DatabaseSync } from 'node:sqlite'
  const database = new DatabaseSync(${JSON.stringify(file)})
  database.exec('begin immediate')
  process.stdout.write('held')
  process.stdin.once('data', () => process.exit(0))
`

export const foreignLock: Scenario = {
  name: 'foreign lock',
  fault: 'another process holds the write lock of the store for some seconds',
  promise: 'requests wait or fail in a clear way, none is half done, and everything ends on time',
  short: true,
  async run(world) {
    const live = await world.issueMany(10, 5)
    const other = spawn(process.execPath, ['--input-type=module', '-e', holder(`${world.data}/mayfly.db`)], {
      stdio: ['pipe', 'pipe', 'inherit']
    })
    await once(other.stdout, 'data')
    const asked = world.tries()
    const first = await Promise.race([asked, new Promise<number>(resolve => setTimeout(() => resolve(0), 3_000))])
    other.stdin.write('go\n')
    await once(other, 'exit')
    const status = await asked
    must([200, 500].includes(status), `a request was answered ${status}`)
    const late = await world.untilGone(live, { limitMs: latenessMsMax })
    must((await world.until('issuing is back', 10_000, async () => (await world.tries()) === 200)) >= 0, '')
    await world.settle()
    return `the request ${first === 0 ? 'waited for the lock' : 'failed'} and was answered ${status}; 10 ended at most ${Math.round(late)} ms late`
  }
}

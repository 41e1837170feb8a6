import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { usersOf } from '../../../plugins/memory/target.ts'
import { reconcilePoints } from '../../../src/broker/crash-point.ts'
import { openSqlite } from '../../../src/store/sqlite/open.ts'
import { smallBroker } from '../../broker/small-broker.ts'
import { atFirstPass } from '../moment.ts'
import type { Moment } from '../moment.ts'
import type { CrashSuite, Deaths } from '../suite.ts'

const program = new URL('../reconcile-child.ts', import.meta.url).pathname
const lost = 'm-app-lost'
const endedLimitMs = 30_000
// A promise that was committed is kept by whoever starts next, within this of its own time.
const keptLimitMs = 60_000
// From its first look to the end of the user it takes the child so many milliseconds, on a machine with other work.
const workingMs = 200

/** A user without a lease, found by a broker that dies; whoever starts next ends it. Each death has a store and a target of its own. */
class Adopted implements Deaths {
  readonly #folder: string
  readonly #broken: string[] = []
  answered = 0

  constructor(folder: string) {
    this.#folder = folder
  }

  async die(moment: Moment): Promise<boolean> {
    const folder = await mkdtemp(join(this.#folder, 'death-'))
    const died = await childDies(folder, moment)
    const broken =
      usersOf(join(folder, 'users.db')).length === 0 && 'point' in moment ? ['the user is gone before the promise is kept'] : []
    broken.push(...(await this.#ends(folder, 'point' in moment ? moment.point : undefined)))
    this.#broken.push(...broken)
    await rm(folder, { recursive: true, force: true })
    return died
  }

  /** What the next broker on the same store leaves undone. */
  async #ends(folder: string, point: string | undefined): Promise<readonly string[]> {
    const broken: string[] = []
    const users = join(folder, 'users.db')
    await using broker = await smallBroker({ store: await openSqlite({ path: join(folder, 'data') }), root: 'of the run before' })
    const named = () => broker.store.leasesNamed([lost])
    const promised = await named()
    if (point !== undefined && promised.length !== (point === 'reconcile:before-adopt' ? 0 : 1))
      broken.push(`${promised.length} promises of it`)
    // Before its promise nothing is known of it: it waits for two looks once more.
    const until = Date.now() + endedLimitMs
    while ((await named())[0]?.state !== 'revoked' && Date.now() < until) {
      await broker.clock.advance(2_000)
      await wait(5)
    }
    const leases = await named()
    if (leases.length !== 1 || leases[0]?.state !== 'revoked' || leases[0].cause !== 'reconciled')
      broken.push(`it is not ended by one lease: ${JSON.stringify(leases.map(({ state, cause }) => ({ state, cause })))}`)
    const left = usersOf(users)
    if (left.length > 0) broken.push(`${left.length} users are left`)
    if (promised.length > 0 && broker.clock.elapsed() > keptLimitMs) broken.push('the promise was kept late')
    this.answered++
    return broken
  }

  async broken(): Promise<readonly string[]> {
    return this.#broken.splice(0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** True when it died where it should. */
async function childDies(folder: string, moment: Moment): Promise<boolean> {
  const point = 'point' in moment ? moment.point : 'none'
  const child = spawn(process.execPath, [program, folder, point], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: folder }
  })
  const ended = once(child, 'exit')
  if ('afterMs' in moment) {
    await Promise.race([once(child.stdout, 'data'), ended])
    await wait(moment.afterMs % workingMs)
    child.kill('SIGKILL')
  }
  const [, signal] = await ended
  return signal === 'SIGKILL'
}

export const reconcile: CrashSuite = {
  name: 'reconcile',
  holds: 'what has no lease gets one and is ended by it, once',
  moments: atFirstPass(reconcilePoints),
  passesMax: 1,
  deathsPerLook: 5,
  open: async () => new Adopted(await mkdtemp(join(tmpdir(), 'mayfly-crash-adopted-')))
}

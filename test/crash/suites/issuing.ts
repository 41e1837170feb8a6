import { setTimeout as wait } from 'node:timers/promises'
import { crashPoints } from '../../../src/broker/crash-point.ts'
import type { CrashTarget } from '../crash-target.ts'
import { atFirstPass } from '../moment.ts'
import type { Moment } from '../moment.ts'
import { Stand } from '../stand.ts'
import type { CrashSuite, Deaths } from '../suite.ts'
import { nothingYet, traffic } from '../traffic.ts'

const clients = 4
// After the last lease of two seconds: for the sweeper of a busy machine, and the grace of what was being issued.
const endedLimitMs = 27_000
const lookMs = 250

/** Issuing, renewing, revoking and cascades against a target, and what is left there when the time of every lease is over. */
export function issuing(name: string, open: () => Promise<CrashTarget>): CrashSuite {
  return {
    name,
    holds: 'no orphan, nothing past its time, nothing acknowledged and lost',
    moments: [...atFirstPass(crashPoints), { point: 'issue:after-first-reply-byte' }],
    passesMax: 3,
    // The more deaths a lease may have gone through the better, and its id tells which it was.
    deathsPerLook: Infinity,
    open: () => opened(open)
  }
}

async function opened(open: () => Promise<CrashTarget>): Promise<Deaths> {
  await using owned = new AsyncDisposableStack()
  const target = owned.use(await open())
  const stand = owned.use(await Stand.prepared(({ api }) => target.prepare(api), target.config))
  return new Issued(stand, target, owned.move())
}

class Issued implements Deaths {
  readonly stand: Stand
  readonly #target: CrashTarget
  readonly #owned: AsyncDisposableStack
  readonly #acknowledged = nothingYet()

  constructor(stand: Stand, target: CrashTarget, owned: AsyncDisposableStack) {
    this.stand = stand
    this.#target = target
    this.#owned = owned
  }

  get answered(): number {
    return this.#acknowledged.leases.size
  }

  die(moment: Moment): Promise<boolean> {
    const { leases } = this.#acknowledged
    const before = leases.size
    const { credentials, proxy } = this.#target
    return this.stand.death(moment, {
      drive: gone => traffic(this.stand.api, credentials, this.#acknowledged, clients, gone),
      ...(proxy ? { proxy } : {}),
      ...('point' in moment && moment.point === 'issue:after-first-reply-byte' ? { until: () => leases.size > before } : {})
    })
  }

  async broken(): Promise<readonly string[]> {
    await using broker = await this.stand.started()
    // Promises of the last run are of a dead epoch, and so due at once.
    const until = Date.now() + (this.#target.removedMsMax ?? endedLimitMs)
    while (Date.now() < until && ((await this.#live()).length > 0 || (await this.#target.leftovers()).length > 0))
      await wait(this.#target.lookMs ?? lookMs)
    const lost: string[] = []
    for (const id of this.#acknowledged.leases.keys()) if (!(await this.#known(id))) lost.push(id)
    // What was still on its way when the leases had ended would come now.
    await wait(2 * lookMs)
    const broken = [
      ...(await this.#target.leftovers()).map(name => `an orphan: ${name}`),
      ...(await this.#live()).map(id => `past its time: ${id}`),
      ...lost.map(id => `acknowledged and lost: ${id}`)
    ]
    await broker.stop()
    return broken
  }

  async #live(): Promise<readonly string[]> {
    const { data } = await this.stand.api.must('GET', 'sys/holdings')
    const holdings = data.holdings as readonly { readonly id: string; readonly ended_time: string | null }[]
    // Whose access is over and whose proof is pending is not past its time.
    return holdings.filter(({ ended_time: ended }) => ended === null).map(({ id }) => id)
  }

  /** Live or ended: the store still says who held it. */
  async #known(id: string): Promise<boolean> {
    const { status } = await this.stand.api.ask('GET', `sys/holdings?id=${encodeURIComponent(id)}`)
    return status === 200
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync()
  }
}

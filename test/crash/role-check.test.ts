/** Kills the broker while it checks a role, at each named moment and between the words that go to PostgreSQL: the probe user must be gone all the same. */
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { missing } from '../targets/missing.ts'
import { postgresMissing } from '../targets/postgres-binaries.ts'
import type { CrashTarget } from './crash-target.ts'
import { atFirstPass } from './moment.ts'
import type { Moment } from './moment.ts'
import { postgresMoments, postgresTarget } from './postgres-target.ts'
import { Stand } from './stand.ts'
import { runSuite } from './suite.ts'
import type { CrashSuite, Deaths } from './suite.ts'

// A second for the lease of the last check, and time for the sweeper of a busy machine.
const endedLimitMs = 30_000
const path = 'database/roles/app/check'

describe.skipIf(missing(postgresMissing()))('a check of a role that a crash interrupts', () => {
  test('leaves no probe user, whenever it comes', { timeout: 240_000 }, async () => {
    const report = await runSuite(checking, { each: 1, random: 0 })
    expect(report).toMatchObject({ unreached: [], broken: [] })
    expect(report.kills).toBe(checking.moments.length)
  })
})

const onTheWire = new Set(['issue:after-create-committed', 'issue:after-enable-sent', 'revoke:after-disable', 'revoke:after-drop-sent'])

const checking: CrashSuite = {
  name: 'role check',
  holds: 'no probe user is left',
  moments: [
    ...atFirstPass(['issue:after-promise-commit', 'issue:after-create-ack', 'issue:after-active-commit']),
    ...postgresMoments.filter(({ point }) => onTheWire.has(point)),
    { point: 'check:at-rights', wire: { kind: 'swallow', pattern: 'has_schema_privilege' } }
  ],
  passesMax: 1,
  deathsPerLook: Infinity,
  open: () => Checked.open()
}

class Checked implements Deaths {
  readonly stand: Stand
  readonly #target: CrashTarget
  readonly #owned: AsyncDisposableStack
  answered = 0

  private constructor(stand: Stand, target: CrashTarget, owned: AsyncDisposableStack) {
    this.stand = stand
    this.#target = target
    this.#owned = owned
  }

  static async open(): Promise<Checked> {
    await using owned = new AsyncDisposableStack()
    const target = owned.use(await postgresTarget())
    const stand = owned.use(await Stand.prepared(({ api }) => target.prepare(api)))
    return new Checked(stand, target, owned.move())
  }

  die(moment: Moment): Promise<boolean> {
    const { proxy } = this.#target
    return this.stand.death(moment, { drive: gone => this.#check(gone), ...(proxy && { proxy }) })
  }

  async #check(gone: AbortSignal): Promise<void> {
    while (!gone.aborted) {
      const answer = await this.stand.api.ask('POST', path).catch(() => undefined)
      if (answer?.status === 200 && answer.body.data.ok === true) this.answered++
      else await wait(20)
    }
  }

  async broken(): Promise<readonly string[]> {
    await using broker = await this.stand.started()
    const until = Date.now() + endedLimitMs
    while (Date.now() < until && (await this.#left()).length > 0) await wait(250)
    const left = await this.#left()
    await broker.stop()
    return left
  }

  async #left(): Promise<readonly string[]> {
    const { data } = await this.stand.api.must('GET', 'sys/holdings')
    return [
      ...(await this.#target.leftovers()).map(name => `a probe user: ${name}`),
      ...data.holdings.map(({ id }: { id: string }) => `past its time: ${id}`)
    ]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync()
  }
}

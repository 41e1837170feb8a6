import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { usersOf } from '../../../plugins/memory/target.ts'
import { keyPoints } from '../../../src/broker/crash-point.ts'
import { sealedBelow, sealedColumns } from '../../../src/store/sqlite/rows/sealed-columns.ts'
import { atFirstPass } from '../moment.ts'
import type { Moment } from '../moment.ts'
import { Stand } from '../stand.ts'
import type { CrashSuite, Deaths } from '../suite.ts'

// Longer than a run at three hundred times the speed, and what is asked for at each renewal.
const leaseSeconds = 50_000 * 3600
const resealLimitMs = 60_000

/** A store with something sealed in every table, whose keys are rotated. Its clock runs fast: what waits for requests that are under way is over in a moment. */
export class Rekeyed implements Deaths {
  readonly stand: Stand
  readonly leases: readonly string[]
  answered = 0
  readonly #broken: string[] = []

  private constructor(stand: Stand, leases: readonly string[]) {
    this.stand = stand
    this.leases = leases
  }

  static async open(): Promise<Rekeyed> {
    const leases: string[] = []
    const stand = await Stand.prepared(async ({ api, folder }) => {
      await api.must('POST', 'sys/mounts/users', { type: 'memory', config: { max_lease_ttl: `${leaseSeconds}s` } })
      await api.must('POST', 'users/config', { path: join(folder, 'users.db') })
      await api.must('POST', 'users/roles/app', { default_ttl: leaseSeconds, max_ttl: leaseSeconds })
      for (let n = 0; n < 3; n++) leases.push((await api.must('GET', 'users/creds/app')).lease_id)
    })
    stand.since = Date.now()
    return new Rekeyed(stand, leases)
  }

  async keyStatus(): Promise<any> {
    return (await this.stand.api.must('GET', 'sys/key-status')).data
  }

  keyFile(): string {
    return readFileSync(this.stand.at('seal.key'), 'utf8')
  }

  users(): readonly string[] {
    return usersOf(this.stand.at('users.db')).map(({ name }) => name)
  }

  async untilOneKey(): Promise<any> {
    const until = Date.now() + resealLimitMs
    for (;;) {
      const status = await this.keyStatus()
      if (status.oldest_term === status.term) return status
      if (Date.now() > until) throw new Error(`the older keys stay: ${JSON.stringify(status)}`)
      await wait(20)
    }
  }

  /** Everything that was sealed still opens: configuration, recipes, handles. */
  async allOpens(): Promise<void> {
    const { api } = this.stand
    const { data } = await api.must('GET', 'users/roles/app')
    if (data.default_ttl !== leaseSeconds) throw new Error(`the role has a default_ttl of ${data.default_ttl}`)
    for (const lease of this.leases) await api.must('PUT', 'sys/leases/renew', { lease_id: lease, increment: leaseSeconds })
  }

  /** Rows, by table, that are sealed under a key older than this one. */
  namesOf(term: number): readonly string[] {
    const { from, to } = sealedBelow(term)
    using db = new DatabaseSync(this.stand.at('data/mayfly.db'), { readOnly: true })
    return Object.entries(sealedColumns).flatMap(([table, { column }]) => {
      const found = db.prepare(`select count(*) as found from ${table} where ${column} >= ? and ${column} < ?`).get(from, to)
      return Number(found?.['found']) > 0 ? [`${Number(found?.['found'])} of ${table}`] : []
    })
  }

  die(moment: Moment): Promise<boolean> {
    const ofSeal = 'point' in moment && moment.point.startsWith('seal-key:')
    return this.stand.death(moment, { drive: gone => this.#rotate(gone, 'point' in moment ? ofSeal : undefined) })
  }

  /** A rotation begins when the pass of the one before is over: a process keeps what it has read, and would seal anew what nobody else can open any more. */
  async #rotate(gone: AbortSignal, ofSeal: boolean | undefined): Promise<void> {
    for (let turn = 0; !gone.aborted; turn++) {
      const seal = ofSeal ?? turn % 2 === 0
      if (!seal) await this.#lookAtRows().catch(() => undefined)
      const answer = await this.stand.api.ask('PUT', seal ? 'sys/rotate/seal' : 'sys/rotate').catch(() => undefined)
      if (answer && answer.status < 300) this.answered++
    }
  }

  async #lookAtRows(): Promise<void> {
    const { oldest_term } = await this.untilOneKey()
    for (const rows of this.namesOf(oldest_term)) this.#broken.push(`sealed under a key that is gone: ${rows}`)
  }

  async broken(): Promise<readonly string[]> {
    {
      await using broker = await this.stand.started()
      await this.#hold('the pass after the deaths', () => this.#lookAtRows())
      await this.#hold('a rotation of the key of the seal', () => this.stand.api.must('PUT', 'sys/rotate/seal'))
      await broker.stop()
    }
    // One that has read nothing while the older keys were there.
    await using broker = await this.stand.started()
    await this.#hold('what was sealed before the deaths', () => this.allOpens())
    await broker.stop()
    return this.#broken.splice(0)
  }

  async #hold(what: string, work: () => Promise<unknown>): Promise<void> {
    await work().catch(error => this.#broken.push(`${what}: ${String(error)}`))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stand[Symbol.asyncDispose]()
  }
}

export const keys: CrashSuite = {
  name: 'keys',
  holds: 'every row opens, old keys go only when no row names them, one key of the seal opens the store',
  moments: atFirstPass(keyPoints),
  passesMax: 3,
  deathsPerLook: 4,
  open: () => Rekeyed.open()
}

import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { usersOf } from '../../../plugins/memory/target.ts'
import { wrapPoints } from '../../../src/broker/crash-point.ts'
import { Api } from '../api.ts'
import type { Moment } from '../moment.ts'
import { atFirstPass } from '../moment.ts'
import { Stand } from '../stand.ts'
import type { CrashSuite, Deaths } from '../suite.ts'

const waitingSeconds = 4
// For what waited, and the sweeper of a busy machine.
const endedLimitMs = 30_000
const clients = 3
const msPerOpening = 60

/** The name of the user inside; `dead` when it does not open any more, `undefined` when nobody answered. */
type Opened = string | undefined

/** Credentials that wait wrapped, some of which are opened, by two at once. */
export class Wrapped implements Deaths {
  readonly stand: Stand
  readonly #users: string
  readonly #opened = new Map<string, readonly Opened[]>()
  /** Left to itself, each with the moment by which nobody opens it any more. */
  readonly #left = new Map<string, number>()
  answered = 0

  private constructor(stand: Stand) {
    this.stand = stand
    this.#users = stand.at('users.db')
  }

  static async open(): Promise<Wrapped> {
    const stand = await Stand.prepared(async ({ api, folder }) => {
      await api.must('POST', 'sys/mounts/users', { type: 'memory' })
      await api.must('POST', 'users/config', { path: join(folder, 'users.db') })
      // Longer than any run: only what nobody unwraps ends within it.
      await api.must('POST', 'users/roles/app', { default_ttl: '700h', max_ttl: '700h' })
    })
    return new Wrapped(stand)
  }

  /** A wrapping token for a fresh credential; `undefined` when the broker died over it. */
  async wrap(ttl: string): Promise<string | undefined> {
    const { address, token } = this.stand.api
    const headers = { 'X-Vault-Token': token, 'X-Vault-Wrap-TTL': ttl }
    const body = await fetch(`${address}/v1/users/creds/app`, { headers }).then(
      response => response.json() as Promise<{ wrap_info?: { token: string } }>,
      () => undefined
    )
    return body?.wrap_info?.token
  }

  async unwrap(token: string): Promise<Opened> {
    const answered = await new Api(this.stand.api.address, token).ask('PUT', 'sys/wrapping/unwrap').catch(() => undefined)
    if (answered?.status === 400) return 'dead'
    return answered?.status === 200 ? (answered.body.data.username as string) : undefined
  }

  die(moment: Moment): Promise<boolean> {
    const drive = (gone: AbortSignal) => Promise.all(Array.from({ length: clients }, () => this.#client(gone)))
    if (!('afterMs' in moment)) return this.stand.death(moment, { drive })
    // By what was opened, and not by the time: a slow machine would have opened nothing yet.
    const enough = this.#opened.size + moment.afterMs / msPerOpening
    return this.stand.death(moment, { drive, until: () => this.#opened.size >= enough })
  }

  async #client(gone: AbortSignal): Promise<void> {
    for (let turn = 0; !gone.aborted; turn++) {
      const token = await this.wrap(`${waitingSeconds}s`)
      if (token === undefined) await wait(20)
      else if (turn % 3 === 2) this.#left.set(token, Date.now() + waitingSeconds * 1_000)
      else await this.#openTwice(token)
    }
  }

  async #openTwice(token: string): Promise<void> {
    const answers = await Promise.all([this.unwrap(token), this.unwrap(token)])
    this.#opened.set(token, [...(this.#opened.get(token) ?? []), ...answers])
  }

  async broken(): Promise<readonly string[]> {
    await using broker = await this.stand.started()
    const unanswered = [...this.#opened].filter(([, answers]) => answers.includes(undefined)).map(([token]) => token)
    // Those that were answered too: a spending that the death has undone would show here.
    for (const token of this.#opened.keys()) await this.#openTwice(token)
    const named = [...this.#opened.values()].map(answers => answers.filter(name => name !== undefined && name !== 'dead') as string[])
    const taken = named.flat()
    this.answered += taken.length
    // An opening whose answer died with the broker has happened, and its lease runs on.
    const happened = unanswered.filter(token => !this.#opened.get(token)!.some(name => taken.includes(name ?? ''))).length
    await wait(Math.max(0, ...this.#left.values().map(until => until - Date.now())))
    const left = await this.usersAtMost(taken.length + happened)
    const broken = [
      ...named.filter(({ length }) => length > 1).map(names => `a wrapping token was opened ${names.length} times`),
      ...(left.length > taken.length + happened ? [`${left.length - taken.length - happened} that waited are not revoked`] : []),
      ...taken.filter(name => !left.includes(name)).map(name => `${name} was unwrapped, and is gone`),
      ...(await this.#openedLate())
    ]
    await this.forgetAll()
    await broker.stop()
    return broken
  }

  async #openedLate(): Promise<readonly string[]> {
    const answers = await Promise.all(this.#left.keys().map(token => this.unwrap(token)))
    return answers.filter(name => name !== 'dead').map(name => `${name} was unwrapped after its time`)
  }

  users(): readonly string[] {
    return usersOf(this.#users).map(({ name }) => name)
  }

  /** The names that are left once there are no more than so many, or the time for it is over. */
  async usersAtMost(count: number): Promise<readonly string[]> {
    const until = Date.now() + endedLimitMs
    for (;;) {
      const names = this.users()
      if (names.length <= count || Date.now() > until) return names
      await wait(100)
    }
  }

  async forgetAll(): Promise<void> {
    await this.stand.api.must('PUT', 'sys/leases/revoke-prefix/users', { sync: true })
    this.#opened.clear()
    this.#left.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stand[Symbol.asyncDispose]()
  }
}

export const wrapping: CrashSuite = {
  name: 'wrapping',
  holds: 'no token opens twice, what nobody opened is revoked, what was opened lives',
  moments: atFirstPass(wrapPoints),
  passesMax: 3,
  deathsPerLook: 10,
  open: () => Wrapped.open()
}

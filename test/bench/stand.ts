import { startPostgres } from '../targets/embedded-postgres.ts'
import type { TestPostgres } from '../targets/embedded-postgres.ts'
import { BenchBroker, requestText } from './bench-broker.ts'
import type { LoadOrder, LoadResult } from './load-client.ts'
import { cpuMs } from './process-usage.ts'
import type { RawOrder, RawResult } from './raw-postgres.ts'
import { WorkerProcess } from './worker-process.ts'

/** What all benches share: a client, and, when one first asks, a PostgreSQL and the process that speaks to it without a broker. */
export class Stand implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack()
  readonly #load: WorkerProcess<LoadOrder, LoadResult>
  readonly #profile: string | undefined
  #postgres: Promise<TestPostgres> | undefined
  #raw: Promise<WorkerProcess<RawOrder, RawResult>> | undefined

  private constructor(load: WorkerProcess<LoadOrder, LoadResult>, profile: string | undefined) {
    this.#load = this.#stack.use(load)
    this.#profile = profile
  }

  static async start(profile: string | undefined): Promise<Stand> {
    return new Stand(await WorkerProcess.start('load-client.ts'), profile)
  }

  postgres(): Promise<TestPostgres> {
    return (this.#postgres ??= startPostgres().then(postgres => this.#stack.use(postgres)))
  }

  async raw(order: RawOrder extends infer Each ? (Each extends unknown ? Omit<Each, 'server'> : never) : never): Promise<RawResult> {
    const { host, port, admin } = await this.postgres()
    this.#raw ??= WorkerProcess.start<RawOrder, RawResult>('raw-postgres.ts').then(worker => this.#stack.use(worker))
    return (await this.#raw).run({ ...order, server: { host, port, ...admin } })
  }

  /** Ended with the bench that asked for it: `await using`. */
  broker(): Promise<BenchBroker> {
    return BenchBroker.start(this.#profile)
  }

  /** Puts load on a broker. A refusal is an error: what was not done must not count. */
  async load(broker: BenchBroker, token: string, asked: Asked): Promise<Loaded> {
    const { method, path, body, ...order } = asked
    const before = cpuMs(broker.pid)
    const result = await this.#load.run({ port: broker.port, request: requestText(broker.port, token, method, path, body), ...order })
    if (result.refused > 0) throw new Error(`${result.refused} of ${result.replies} requests were refused, the first:\n${result.refusal}`)
    return { ...result, rate: result.replies / result.seconds, cpuMs: (cpuMs(broker.pid) - before) / result.replies }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync()
  }
}

export interface Asked extends Omit<LoadOrder, 'port' | 'request'> {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: unknown
}

export interface Loaded extends LoadResult {
  /** Replies per second. */
  readonly rate: number
  /** The broker's CPU per reply, all threads. */
  readonly cpuMs: number
}

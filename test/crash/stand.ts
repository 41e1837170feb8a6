import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { openLines, verifyTrail } from '../../src/audit/verify.ts'
import type { Fault } from '../targets/fault.ts'
import type { FaultProxy } from '../targets/fault-proxy.ts'
import { Api } from './api.ts'
import { Child, freePort } from './child.ts'
import type { Moment } from './moment.ts'

// On a machine with other work a start alone takes seconds.
const reachLimitMs = 30_000

interface Death {
  /** Asks of the broker what passes the moment, until `gone`. Errors of a broker that dies are what this is about: it swallows them. */
  readonly drive: (gone: AbortSignal) => Promise<unknown>
  /** Between broker and target, for moments on the wire. */
  readonly proxy?: FaultProxy
  /** When a moment has come that is neither a point nor on the wire; counts instead of the milliseconds of one at random. */
  readonly until?: () => boolean
}

/** A store, and the brokers that live and die on it, one after the other. */
export class Stand implements AsyncDisposable {
  readonly folder: string
  readonly config: string
  readonly api: Api
  /** With it the clock of every broker runs fast from this moment on. */
  since: number | undefined

  /** How long the last start took: other work on the machine makes it ten times as long. */
  #startMs = 0

  private constructor(folder: string, config: string, api: Api) {
    this.folder = folder
    this.config = config
    this.api = api
  }

  /** `more`: further lines of the configuration. */
  static async open(more: readonly string[] = []): Promise<Stand> {
    const folder = await mkdtemp(join(tmpdir(), 'mayfly-crash-'))
    const port = await freePort()
    const config = join(folder, 'mayfly.yaml')
    const lines = [
      `listener: { address: 127.0.0.1:${port}, tls: off }`,
      'storage: { sqlite: { path: ./data } }',
      'seal: { key_file: ./seal.key }',
      'audit: [{ type: file, path: ./audit.jsonl }]',
      'log_level: error',
      ...more
    ]
    await writeFile(config, lines.join('\n'))
    return new Stand(folder, config, new Api(`http://127.0.0.1:${port}`))
  }

  /** As `open`, initialised and prepared. Ended in order the broker leaves what Node made of the sources for the next starts (`NODE_COMPILE_CACHE`); killed it would not. */
  static async prepared(prepare: (stand: Stand) => Promise<unknown>, more?: readonly string[]): Promise<Stand> {
    const stand = await Stand.open(more)
    try {
      await using broker = await stand.started()
      stand.api.token = (await stand.api.must('PUT', 'sys/init', {})).root_token
      await prepare(stand)
      await broker.stop()
    } catch (error) {
      await stand[Symbol.asyncDispose]()
      throw error
    }
    return stand
  }

  at(name: string): string {
    return join(this.folder, name)
  }

  /** A broker that serves. */
  async started(point = 'none', pass = 1): Promise<Child> {
    const broker = Child.start(this.config, point, pass, this.since)
    await this.#serving(broker)
    return broker
  }

  async #serving(broker: Child): Promise<void> {
    const began = performance.now()
    await broker.serving(this.api.address)
    this.#startMs = performance.now() - began
  }

  /** True when the moment came. A broker that ends by itself is an error: the store is one that no broker starts on. */
  async death(moment: Moment, { drive, proxy, until }: Death): Promise<boolean> {
    if ('partOfStart' in moment) return this.#deathInStart(moment.partOfStart)
    const [point, pass] = 'pass' in moment ? [moment.point, moment.pass] : ['none', 1]
    await using broker = Child.start(this.config, point, pass, this.since)
    try {
      await this.#serving(broker)
    } catch (error) {
      // It may die where it should before it serves: what an earlier run left is swept at once.
      if (broker.killed) return true
      throw error
    }
    const gone = new AbortController()
    const struck = 'wire' in moment ? strike(proxy, moment.wire) : undefined
    const clients = drive(gone.signal)
    const time = 'afterMs' in moment && !until ? moment.afterMs : undefined
    const came = await Promise.race([
      broker.ended.then(() => 'pass' in moment && broker.killed),
      ...(struck ? [struck] : []),
      ...(until ? [when(until, gone.signal)] : []),
      wait(time ?? reachLimitMs, time !== undefined, { signal: gone.signal }).catch(() => false)
    ])
    broker.kill()
    gone.abort()
    await broker.ended
    if (proxy) proxy.fault = { kind: 'pass' }
    await clients
    return came
  }

  async #deathInStart(part: number): Promise<boolean> {
    await using broker = Child.start(this.config, 'none', 1, this.since)
    await wait(part * this.#startMs)
    return broker.running
  }

  /** What is wrong with the trail, of an unarmed broker that runs. */
  async trailBroken(): Promise<readonly string[]> {
    const { data } = await this.api.must('GET', 'sys/audit/checkpoint-key')
    const verdict = await verifyTrail(openLines(this.at('audit.jsonl')), { publicKey: String(data.public_key) })
    return verdict.ok ? [] : [`the chain of the trail is broken: ${JSON.stringify(verdict)}`]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }
}

async function strike(proxy: FaultProxy | undefined, fault: Fault): Promise<boolean> {
  if (!proxy) throw new Error('a moment on the wire needs a proxy')
  const strikes = proxy.strikes
  proxy.fault = fault
  while (proxy.strikes === strikes) await proxy.changed()
  return true
}

async function when(condition: () => boolean, gone: AbortSignal): Promise<boolean> {
  while (!condition()) {
    if (gone.aborted) return false
    await wait(1)
  }
  return true
}

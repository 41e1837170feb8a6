/** Kills the broker at named moments and at random ones, starts it again each time, and counts what is left when the time of every lease is over. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Api } from './api.ts'
import type { Fault } from '../targets/fault.ts'
import type { FaultProxy } from '../targets/fault-proxy.ts'
import { Child, freePort } from './child.ts'
import { nothingYet, traffic } from './traffic.ts'
import type { Acknowledged } from './traffic.ts'

export interface CrashTarget {
  readonly name: string
  /** The path that issues, such as `database/creds/app`. Its leases live for two seconds. */
  readonly credentials: string
  prepare(api: Api): Promise<void>
  /** Between broker and target, where moments on the wire are asked for. */
  readonly proxy?: FaultProxy
  /** Names of what carries the broker's mark in the target. */
  leftovers(): Promise<readonly string[]>
}

/** A moment to die: a named point of the broker at its n-th pass, the first byte of a reply with a credential, something said on the wire to the target, or so many
 *  milliseconds after traffic began. */
export type Moment =
  | { readonly point: string; readonly pass: number }
  | { readonly point: 'issue:after-first-reply-byte' }
  | { readonly point: string; readonly wire: Fault }
  | { readonly afterMs: number }

export interface CrashReport {
  readonly kills: number
  /** Points that were armed and never reached: a crash point that no test reaches is a failing test. */
  readonly unreached: readonly string[]
  readonly issued: number
  readonly orphans: readonly string[]
  /** Acknowledged leases that the store does not know. */
  readonly lost: readonly string[]
  /** Leases that are not revoked although their time has long been over. */
  readonly late: readonly string[]
  readonly auditFile: string
  readonly checkpointKey: string
}

const leaseSeconds = 2
const reachLimitMs = 20_000

export async function crashRun(
  target: CrashTarget,
  moments: readonly Moment[],
  tell: (line: string) => void = () => undefined
): Promise<CrashReport & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-crash-'))
  const port = await freePort()
  const config = join(folder, 'mayfly.yaml')
  await writeFile(
    config,
    `listener: { address: 127.0.0.1:${port}, tls: off }\nstorage: { sqlite: { path: ./data } }\nseal: { key_file: ./seal.key }\naudit: [{ type: file, path: ./audit.jsonl }]\nlog_level: error\n`
  )
  const api = new Api(`http://127.0.0.1:${port}`)
  const acknowledged = nothingYet()
  await first(config, api, target)
  const unreached = new Set<string>()
  for (const [i, moment] of moments.entries()) {
    const reached = await killAt(config, api, target, acknowledged, moment)
    if (!reached && 'point' in moment) unreached.add(moment.point)
    if ((i + 1) % 25 === 0) tell(`${i + 1} of ${moments.length} kills, ${acknowledged.leases.size} credentials acknowledged`)
  }
  const end = await settle(config, api, target, acknowledged)
  const dispose = () => rm(folder, { recursive: true, force: true })
  return {
    kills: moments.length,
    unreached: [...unreached],
    issued: acknowledged.leases.size,
    ...end,
    auditFile: join(folder, 'audit.jsonl'),
    [Symbol.asyncDispose]: dispose
  }
}

async function first(config: string, api: Api, target: CrashTarget): Promise<void> {
  await using broker = Child.start(config)
  await broker.serving(api.address)
  api.token = (await api.must('PUT', 'sys/init', {})).root_token
  await target.prepare(api)
  // Ended in order it leaves what Node made of the sources for the next starts (`NODE_COMPILE_CACHE`); killed it would not.
  await broker.stop()
}

/** True when the moment came. */
async function killAt(config: string, api: Api, target: CrashTarget, acknowledged: Acknowledged, moment: Moment): Promise<boolean> {
  await using broker = 'pass' in moment ? Child.start(config, moment.point, moment.pass) : Child.start(config)
  const served = await broker.serving(api.address).then(
    () => true,
    () => false
  )
  // It may die where it should before it serves: what an earlier run left is swept at once.
  if (!served) return broker.killed
  const stop = new AbortController()
  const before = acknowledged.leases.size
  const struck = 'wire' in moment ? strike(target.proxy!, moment.wire) : undefined
  const clients = traffic(api, target.credentials, acknowledged, 4, stop.signal)
  const came = await Promise.race(
    [
      ...('pass' in moment ? [broker.ended] : []),
      ...(struck ? [struck] : []),
      ...('point' in moment && moment.point === 'issue:after-first-reply-byte' ? [until(() => acknowledged.leases.size > before)] : [])
    ]
      .map(when => when.then(() => true))
      .concat(wait('afterMs' in moment ? moment.afterMs : reachLimitMs, 'afterMs' in moment))
  )
  broker.kill()
  stop.abort()
  await broker.ended
  if (target.proxy) target.proxy.fault = { kind: 'pass' }
  await clients
  return came
}

async function strike(proxy: FaultProxy, fault: Fault): Promise<void> {
  const strikes = proxy.strikes
  proxy.fault = fault
  while (proxy.strikes === strikes) await proxy.changed()
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await wait(1)
}

/** Starts once more, unarmed; lets every lease's time pass, and looks. */
async function settle(config: string, api: Api, target: CrashTarget, acknowledged: Acknowledged) {
  await using broker = Child.start(config)
  await broker.serving(api.address)
  // Issue grace (30 s) for promises of the last run would be enough; their epoch is dead, so they are due at once.
  const until = Date.now() + leaseSeconds * 1_000 + 25_000
  while (Date.now() < until && ((await target.leftovers()).length > 0 || (await live(api)).length > 0)) await wait(250)
  const lost: string[] = []
  for (const id of acknowledged.leases.keys()) if (!(await known(api, id))) lost.push(id)
  const { data } = await api.must('GET', 'sys/audit/checkpoint-key')
  await wait(500)
  return { orphans: await target.leftovers(), late: await live(api), lost, checkpointKey: String(data.public_key) }
}

async function live(api: Api): Promise<readonly string[]> {
  const { data } = await api.must('GET', 'sys/holdings')
  return data.holdings.map((holding: { id: string }) => holding.id)
}

/** Live or ended: the store still says who held it. */
async function known(api: Api, id: string): Promise<boolean> {
  const { status } = await api.ask('GET', `sys/holdings?id=${encodeURIComponent(id)}`)
  return status === 200
}

import { setTimeout as wait } from 'node:timers/promises'
import { rotationPoints } from '../../../src/broker/crash-point.ts'
import { FaultProxy } from '../../targets/fault-proxy.ts'
import { atFirstPass } from '../moment.ts'
import type { Moment, NamedMoment } from '../moment.ts'
import type { RotationServer, RotationTarget } from '../rotation-target.ts'
import { Stand } from '../stand.ts'
import type { CrashSuite, Deaths } from '../suite.ts'

/** What is asked. */
export const rotations = [
  { name: 'rotate-root', path: 'database/rotate-root/app' },
  { name: 'rotate-role', path: 'database/rotate-role/fixed' }
] as const

/** The change of a password, seen on the wire: said and not arrived, arrived and the answer lost. */
export function changeMoments({ changes }: RotationTarget): readonly Extract<NamedMoment, { wire: unknown }>[] {
  return rotations.flatMap(({ name }) => [
    { point: `${name}:before-change-sent`, wire: { kind: 'cut', pattern: changes[name], when: 'before' } },
    { point: `${name}:after-change-sent`, wire: { kind: 'swallow', pattern: changes[name] } },
    { point: `${name}:after-change`, wire: { kind: 'cut', pattern: changes[name], when: 'after' } }
  ])
}

// The sweeper may still be at the rotation of the admin account when the first request comes.
const reachLimitMs = 30_000
// Longer than a sure answer takes. One that is not sure is waited for longer, and is nothing to judge by.
const sureLimitMs = 2_000

interface Served {
  readonly username: string
  readonly password: string
  readonly ttl: number
}

/** The admin account of a connection and a static role, whose passwords are changed. */
export class Rotated implements Deaths {
  readonly stand: Stand
  readonly #server: RotationServer
  readonly proxy: FaultProxy
  readonly #owned: AsyncDisposableStack
  answered = 0
  /** Every password that the static role was seen with. */
  readonly passwords = new Set<string>()
  #looks = 0

  private constructor(stand: Stand, server: RotationServer, proxy: FaultProxy, owned: AsyncDisposableStack) {
    this.stand = stand
    this.#server = server
    this.proxy = proxy
    this.#owned = owned
  }

  static async open(target: RotationTarget): Promise<Rotated> {
    await using owned = new AsyncDisposableStack()
    const server = owned.use(await target.open())
    const proxy = owned.use(await FaultProxy.start(server))
    const stand = owned.use(await Stand.prepared(stand => prepare(stand, server, proxy)))
    return new Rotated(stand, server, proxy, owned.move())
  }

  die(moment: Moment, path?: string): Promise<boolean> {
    return this.stand.death(moment, { drive: gone => this.#rotate(gone, path ?? pathOf(moment)), proxy: this.proxy })
  }

  async #rotate(gone: AbortSignal, path: string | undefined): Promise<void> {
    for (let turn = 0; !gone.aborted; turn++) {
      const answer = await this.stand.api.ask('POST', path ?? rotations[turn % rotations.length]!.path).catch(() => undefined)
      if (answer?.status === 204) this.answered++
      else await wait(20)
    }
  }

  /** Every other time the server is out of reach at first: what a start sets right there would hide what was on record. */
  async broken(): Promise<readonly string[]> {
    const apart = this.#looks++ % 2 === 0
    if (apart) this.proxy.fault = { kind: 'reset' }
    await using broker = await this.stand.started()
    const broken = apart ? await this.#servedBroken(await this.#served()) : []
    this.proxy.fault = { kind: 'pass' }
    broken.push(...(await this.#staticBroken()), ...(await this.#adminBroken()))
    await this.stand.api.must('PUT', 'sys/leases/revoke-prefix/database/creds')
    await broker.stop()
    return broken
  }

  /** The password of the static role, unless the broker says that it is not sure, or nothing at all. */
  async #served(): Promise<Served | undefined> {
    const answered = await this.stand.api.ask('GET', 'database/static-creds/fixed', undefined, sureLimitMs).catch(() => undefined)
    return answered?.status === 200 && !answered.body.warnings ? answered.body.data : undefined
  }

  async #servedBroken(served: Served | undefined): Promise<string[]> {
    if (!served) return []
    this.passwords.add(served.password)
    try {
      await this.#server.logIn({ user: served.username, password: served.password })
    } catch (error) {
      return [`the password that is served for ${served.username} does not log in: ${String(error)}`]
    }
    return served.ttl > 0 ? [] : [`the password of ${served.username} has a ttl of ${served.ttl}`]
  }

  async #staticBroken(): Promise<readonly string[]> {
    for (const until = Date.now() + reachLimitMs; Date.now() < until; await wait(50)) {
      const served = await this.#served()
      if (served) return this.#servedBroken(served)
    }
    return ['no password is served for the static role']
  }

  /** New users are made over the admin account. */
  async #adminBroken(): Promise<readonly string[]> {
    const until = Date.now() + reachLimitMs
    for (;;) {
      const { status, body } = await this.stand.api.ask('GET', 'database/creds/app')
      if (status === 200) return []
      if (Date.now() > until) return [`no user is made over the admin account: ${JSON.stringify(body)}`]
      await wait(100)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync()
  }
}

function pathOf(moment: Moment): string | undefined {
  return 'point' in moment ? rotations.find(({ name }) => moment.point.startsWith(`${name}:`))?.path : undefined
}

async function prepare({ api }: Stand, server: RotationServer, proxy: FaultProxy): Promise<void> {
  await api.must('POST', 'sys/mounts/database', { type: 'database' })
  await api.must('POST', 'database/config/app', { ...server.connection(proxy), allowed_roles: '*' })
  await api.must('POST', 'database/roles/app', { db_name: 'app', member_of: 'app_ro', default_ttl: '1h' })
  await api.must('POST', 'database/static-roles/fixed', { db_name: 'app', username: 'static_app', rotation_period: '24h' })
}

export const rotation = (name: string, target: RotationTarget): CrashSuite => ({
  name,
  holds: 'no password is on record that does not log in',
  moments: [...atFirstPass(rotationPoints), ...changeMoments(target)],
  passesMax: 4,
  // The next rotation would heal what the last one broke.
  deathsPerLook: 1,
  open: () => Rotated.open(target)
})

/** The AWS engine as mounted, over a moto of which the test says how it behaves. */
import { plugin } from '../../../plugins/aws/index.ts'
import type { Clock, RevokeOutcome } from '../../../src/contracts/index.ts'
import { systemClock, systemRandom } from '../../../src/system-clock.ts'
import { TestMount } from '../../contract/test-mount.ts'
import type { TestLease } from '../../contract/test-mount.ts'
import type { AwsKeys, MotoAccess } from '../../targets/moto-access.ts'
import { MotoFront } from '../../targets/moto-front.ts'

export interface AwsMount extends AsyncDisposable {
  readonly mount: TestMount
  readonly front: MotoFront
  readonly clock: ShiftedClock
  readonly root: AwsKeys & { readonly name: string }
  /** What the operator was told as errors. */
  readonly alarms: readonly string[]
  /** And as warnings. */
  readonly warnings: readonly (readonly [message: string, fields?: unknown])[]
  /** What `config/root` was written with. */
  readonly written: Readonly<Record<string, unknown>>
}

/** True time, and what a test adds to it; with `speed` it passes faster. */
export class ShiftedClock implements Clock {
  readonly #speed: number
  readonly #began = systemClock.elapsed()
  #milliseconds = 0

  constructor(speed = 1) {
    this.#speed = speed
  }

  now = () => systemClock.now().add({ milliseconds: Math.round(this.#ahead) })
  elapsed = () => systemClock.elapsed() + this.#ahead
  sleep: Clock['sleep'] = (milliseconds, signal) => systemClock.sleep(milliseconds / this.#speed, signal)
  within: Clock['within'] = (milliseconds, signal) => systemClock.within(milliseconds / this.#speed, signal)

  get #ahead(): number {
    return this.#milliseconds + (systemClock.elapsed() - this.#began) * (this.#speed - 1)
  }

  pass(seconds: number): void {
    this.#milliseconds += Math.ceil(seconds * 1_000)
  }
}

export async function openAwsMount(moto: MotoAccess, role: Readonly<Record<string, unknown>> = {}, speed = 1): Promise<AwsMount> {
  await using owned = new AsyncDisposableStack()
  const front = owned.use(await MotoFront.start(moto.address.endpoint))
  const { endpoint } = front
  const clock = new ShiftedClock(speed)
  front.now = clock.now
  const alarms: string[] = []
  const warnings: AwsMount['warnings'][number][] = []
  const log = {
    info: () => undefined,
    warn: (message: string, fields?: unknown) => void warnings.push([message, fields]),
    error: (message: string) => void alarms.push(message)
  }
  const mount = owned.use(await TestMount.open(plugin.backends![0]!, { clock, log, random: systemRandom, targetEndpoints: [endpoint] }))
  const root = await moto.newRoot()
  const { access_key, secret_key } = root
  const written = { access_key, secret_key, iam_endpoint: endpoint, sts_endpoint: endpoint, calls_per_second: 1_000 }
  await mount.write('config/root', written)
  await mount.write('roles/app', { credential_type: 'iam_user', policy_document: everything, ...role })
  front.calls.length = 0
  const moved = owned.move()
  return { mount, front, clock, root, alarms, warnings, written, [Symbol.asyncDispose]: () => moved.disposeAsync() }
}

export const everything = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] })

/** Looks until it is gone or nothing changes any more; the clock is wound on to each next look. */
export async function revokedForGood({ mount, clock }: AwsMount, leases: readonly TestLease[]): Promise<readonly RevokeOutcome[]> {
  let outcomes = await mount.revoke(leases)
  for (let looks = 0; looks < 8 && outcomes.some(({ kind }) => kind === 'ended' || kind === 'outlives'); looks++) {
    const agains = outcomes.map(outcome => ('again' in outcome ? outcome.again.since(clock.now()).total('seconds') : 0))
    clock.pass(Math.max(0, ...agains) + 0.01)
    outcomes = await mount.revoke(leases)
  }
  return outcomes
}

export const keysOf = (lease: TestLease): AwsKeys => lease.secret!.reveal() as unknown as AwsKeys

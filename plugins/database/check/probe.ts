/** The user that a check makes. It is a credential like any other, so that a crash leaves nothing: a lease stands before it is made, and ends it whatever becomes of the check.
 *  The check ends it itself, to see that this works; its lease is over a second later, and the sweeper looks once more. Its password never leaves this file. */
import { BrokerError, CheckSteps, Secret, unhandled } from 'mayfly/plugin'
import type {
  CheckStep,
  CreateUser,
  CredentialType,
  Database,
  Deadline,
  EffectiveRights,
  IssueCall,
  Issued,
  JsonObject,
  RevokeOutcome
} from 'mayfly/plugin'
import { checkReport, objectsMax } from './check-report.ts'
import type { RoleCheck } from './check-report.ts'
import type { Handle, Order } from '../creds/credential.ts'
import { userCredential } from '../creds/credential.ts'
import type { Engine } from '../engine.ts'
import { newUser } from '../creds/new-user.ts'
import { newPassword } from '../creds/password.ts'
import { endingOf, toRecipe } from '../role/recipe.ts'

export type ProbeOrder = Order & { readonly check: RoleCheck; readonly steps: readonly CheckStep[] }

// How long one step may take, so that the next still has its turn in the time that an issue has. What was not done by then the report tells, and the lease sees to it.
const createMsMax = 4_000
const rightsMsMax = 1_500
const loginMsMax = 1_500
const renewMsMax = 1_500
const revokeMsMax = 4_000

/** The sweeper comes after it. Any sooner, and the broker would take the credential for dead on arrival. */
const lives = Temporal.Duration.from({ seconds: 1 })

export function probeCredential(engine: Engine): CredentialType<Handle> {
  const user = userCredential(engine)
  return {
    issue: (call, signal) => probe(engine, call, signal),
    revoke: (call, signal) => user.revoke(call, signal),
    now: (target, signal) => user.now!(target, signal),
    // A target is listed by the type of credential that came there first, and that may have been a probe.
    list: (target, signal) => user.list!(target, signal)
  }
}

async function probe(engine: Engine, call: IssueCall<Handle>, signal: AbortSignal): Promise<Issued<Handle>> {
  const { passwordPolicy, check, steps: before } = call.order as unknown as ProbeOrder
  const { clock } = engine.context
  using held = await engine.databases.hold(call.target)
  const user = newUser(engine, held, call, await newPassword(engine.context, passwordPolicy))
  const steps = new CheckSteps(clock, before)
  const trial = new Trial(held.database, user, call, steps, (milliseconds: number) => clock.within(milliseconds, signal))
  const rights = await trial.run()
  const report = checkReport(
    { ...check, concerns: [...check.concerns, ...trial.concerns], username: user.name, ...(rights && { rights }) },
    steps
  )
  return {
    secret: new Secret(report),
    handle: { ...call.handle, ...(trial.server && { server: trial.server }) },
    until: clock.now().add(lives)
  }
}

class Trial {
  readonly #database: Database
  readonly #user: CreateUser
  readonly #call: IssueCall<Handle>
  readonly #steps: CheckSteps
  readonly #within: (milliseconds: number) => Deadline
  /** What could not be tried. */
  readonly concerns: string[] = []
  /** As the server completed the handle. */
  server: JsonObject | undefined

  constructor(
    database: Database,
    user: CreateUser,
    call: IssueCall<Handle>,
    steps: CheckSteps,
    within: (milliseconds: number) => Deadline
  ) {
    this.#database = database
    this.#user = user
    this.#call = call
    this.#steps = steps
    this.#within = within
  }

  async run(): Promise<EffectiveRights | undefined> {
    const unknown = await this.#create()
    const isTried = this.server !== undefined && (await this.#isTakenFromHere())
    const rights = isTried ? await this.#rights() : undefined
    if (isTried) await this.#login()
    if (this.server) await this.#renew(this.server)
    await this.#revoke(unknown)
    if (isTried) await this.#noLogin()
    return rights
  }

  /** What failed, when that tells not whether the user is there. */
  async #create(): Promise<BrokerError | undefined> {
    using deadline = this.#within(createMsMax)
    let failed: unknown
    const create = () =>
      this.#database.createUser(this.#user, deadline.signal).catch((error: unknown) => {
        failed = error
        throw error
      })
    this.server = await this.#steps.try('create', create, () => 'made and enabled')
    return failed instanceof BrokerError && failed.code !== 'target_refused' ? failed : undefined
  }

  async #rights(): Promise<EffectiveRights | undefined> {
    if (!this.#database.effectiveRights) return undefined
    using deadline = this.#within(rightsMsMax)
    const { name, password, owned } = this.#user
    const asked = { name, password, objectsMax, ...(owned && { owned }) }
    return await this.#steps.try('rights', () => this.#database.effectiveRights!(asked, deadline.signal), describeRights)
  }

  /** A user of other hosts than this broker's is none that could be tried from here, and that is no fault of the role. */
  async #isTakenFromHere(): Promise<boolean> {
    const { host } = this.#user
    if (host === undefined || host === '%') return true
    using deadline = this.#within(loginMsMax)
    // What says no in another way than to a wrong host or password is told by the steps themselves.
    if (await this.#database.mayLogIn(this.#user, deadline.signal).catch(() => true)) return true
    await this.#steps.try(
      'login',
      () => true,
      () => `not tried: the server takes it from ${host} only, and not from here`
    )
    this.concerns.push(`host: the user may log in from ${host} only, so neither its login nor its rights were tried`)
    return false
  }

  async #login(): Promise<void> {
    using deadline = this.#within(loginMsMax)
    const login = async () => {
      if (await this.#database.mayLogIn(this.#user, deadline.signal)) return
      throw new BrokerError('target_refused', 'the server does not let the user in with its password')
    }
    await this.#steps.try('login', login, () => 'with its password')
  }

  /** By the role's own statements, of which the server has seen nothing yet. */
  async #renew(handle: JsonObject): Promise<void> {
    const { renew: statements } = toRecipe(this.#call.recipe)
    if (statements.length === 0) return
    using deadline = this.#within(renewMsMax)
    const { name, until } = this.#user
    const renew = () => this.#database.renewUser({ name, handle, statements, until }, deadline.signal)
    await this.#steps.try('renew', renew, () => `${statements.length} of the role's own`)
  }

  /** Of a user that may still come to be the lease has to know: then there is no report, and the sweeper waits for it. */
  async #revoke(unknown: BrokerError | undefined): Promise<void> {
    using deadline = this.#within(revokeMsMax)
    const how = endingOf(toRecipe(this.#call.recipe))
    const { name, mark, createBy } = this.#user
    const one = { name, mark, handle: this.server ?? {}, ...(unknown && { createBy }) }
    const revoke = async () => {
      const [outcome] = await this.#database.revokeUsers({ ...how, users: [one] }, deadline.signal)
      refuseUnlessGone(outcome)
      return true
    }
    const ended = await this.#steps.try('revoke', revoke, () => 'gone')
    if (unknown && !ended) throw unknown
  }

  async #noLogin(): Promise<void> {
    using deadline = this.#within(loginMsMax)
    const noLogin = async () => {
      if (!(await this.#database.mayLogIn(this.#user, deadline.signal))) return
      throw new BrokerError('target_refused', 'the server lets the user in after its end')
    }
    await this.#steps.try('no login', noLogin, () => 'refused')
  }
}

function refuseUnlessGone(outcome: RevokeOutcome | undefined): void {
  switch (outcome?.kind) {
    case 'gone':
      return
    case 'ended':
      throw new BrokerError('target_refused', `no login and no session any more, but it stays: ${outcome.waiting}`)
    case 'outlives':
      throw new BrokerError('target_refused', `it may go on until ${outcome.until.toString()}: ${outcome.why}`)
    case 'failed':
      throw outcome.error instanceof BrokerError
        ? outcome.error
        : new BrokerError('target_refused', 'the driver failed', { cause: outcome.error })
    case undefined:
      throw new Error('the driver answered no outcome for one user')
    default:
      return unhandled(outcome)
  }
}

function describeRights({ attributes, memberOf, objects, more }: EffectiveRights): string {
  const groups = memberOf.length > 0 ? `member of ${memberOf.join(', ')}; ` : ''
  return `${groups}${attributes.map(one => `${one}; `).join('')}rights on ${counted(objects.length + more, 'object')}`
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

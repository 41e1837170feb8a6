import { randomBytes } from 'node:crypto'
import { BrokerError, parseFields } from '../../src/contracts/index.ts'
import type {
  Answer,
  Backend,
  BackendContext,
  BackendType,
  Clock,
  CredentialType,
  DatabaseDriver,
  EndingAnswer,
  Found,
  Handler,
  Issuance,
  Json,
  JsonObject,
  LeaseId,
  Log,
  MountLease,
  Operation,
  PathRequest,
  Random,
  RevokedLease,
  RevokeOutcome,
  Secret,
  TaskOutcome,
  TaskWait
} from '../../src/contracts/index.ts'
import { KeptLeases } from './kept-leases.ts'
import { MountRows } from './mount-storage.ts'
import type { Scheduled } from './mount-storage.ts'
import { rowAt } from './row-at.ts'
import { testContext } from './test-context.ts'

const createGrace = Temporal.Duration.from('PT30S')
const neverAborted = new AbortController().signal

export interface TestMountOptions {
  readonly clock: Clock
  readonly random: Random
  readonly databaseDrivers?: readonly DatabaseDriver[]
  readonly targetTls?: 'any' | 'verified'
  readonly targetEndpoints?: readonly string[]
  readonly log?: Log
  /** Of `sys/policies/password`, by name. */
  readonly passwordPolicies?: ReadonlyMap<string, string>
}

export interface TestLease {
  readonly lease: LeaseId
  readonly plan: Issuance
  /** As planned until the target completed it. */
  handle: Json
  /** Absent once it was active. */
  createBy?: Temporal.Instant
  /** What the target added to what is kept in clear. */
  visible?: Readonly<Record<string, string>>
  secret?: Secret<JsonObject>
}

/** The broker's part of a backend's life in the smallest true form: routing, fields, one commit per request, promise before effect. */
export class TestMount implements AsyncDisposable {
  readonly clock: Clock
  readonly rows: MountRows
  readonly #type: BackendType
  #context: BackendContext
  readonly #leases = new KeptLeases()
  backend: Backend
  /** What is sent to a path that issues by a write: the key that a certificate is for. */
  asks: JsonObject = {}

  static async open(type: BackendType, options: TestMountOptions): Promise<TestMount> {
    const mount = new TestMount(type, options)
    mount.backend = await type.open(mount.#context)
    return mount
  }

  private constructor(type: BackendType, options: TestMountOptions) {
    this.clock = options.clock
    this.rows = new MountRows(target => this.#leases.liveAt(target))
    this.backend = { paths: [], credentials: {}, [Symbol.asyncDispose]: async () => {} }
    this.#type = type
    this.#context = testContext(options, { rows: this.rows, leases: this.#leases })
  }

  /** As after a restart of the broker: nothing in memory, the rows as they were. What `changed` names was changed in its configuration. */
  async reopen(changed: Pick<TestMountOptions, 'targetTls'> = {}): Promise<void> {
    await this.backend[Symbol.asyncDispose]()
    this.#context = { ...this.#context, ...changed }
    this.backend = await this.#type.open(this.#context)
  }

  read = (path: string, displayName?: string): Promise<Answer> => this.#ask('read', path, {}, displayName)
  write = (path: string, data: Readonly<Record<string, unknown>>): Promise<Answer> => this.#ask('write', path, data)
  delete = (path: string): Promise<Answer> => this.#ask('delete', path, {})
  list = (path: string, data: Readonly<Record<string, unknown>> = {}): Promise<Answer> => this.#ask('list', path, data)

  /** The promise: a lease is kept before the target hears of it. A path that cannot be read is written to. */
  async plan(path: string, displayName?: string): Promise<TestLease> {
    const [{ read }] = rowAt(this.backend.paths, path)
    const answer = await (read ? this.read(path, displayName) : this.#ask('write', path, this.asks, displayName))
    if (!answer || !('issue' in answer)) throw new Error(`${path} issues nothing`)
    this.rows.refuseRetired(answer.issue.target)
    const createBy = this.clock.now().add(createGrace)
    const lease = { lease: leaseId(path), plan: answer.issue, handle: answer.issue.handle, createBy }
    this.#leases.promise(lease, createBy)
    return lease
  }

  /** The effect. `seconds`: how long it lives. */
  async perform(
    lease: TestLease,
    options: { seconds?: number; createBy?: Temporal.Instant; signal?: AbortSignal } = {}
  ): Promise<TestLease> {
    const { seconds = 3_600, createBy = lease.createBy!, signal = neverAborted } = options
    const { target, recipe, order = null } = lease.plan
    const call = { lease: lease.lease, target, recipe, handle: lease.handle, order, createBy, until: this.clock.now().add({ seconds }) }
    const credential = this.credential(lease)
    const issued = await (credential.mint ? credential.mint(call) : credential.issue(call, signal))
    lease.handle = issued.handle
    lease.secret = issued.secret
    if (issued.visible) lease.visible = issued.visible
    this.#leases.become('active', lease.lease, issued.until ?? call.until)
    delete lease.createBy
    return lease
  }

  async issue(path: string, options: { readonly seconds?: number; readonly displayName?: string } = {}): Promise<TestLease> {
    return this.perform(await this.plan(path, options.displayName), options.seconds === undefined ? {} : { seconds: options.seconds })
  }

  async renew(lease: TestLease, seconds: number): Promise<void> {
    const { target, recipe } = lease.plan
    const until = this.clock.now().add({ seconds })
    await this.credential(lease).renew!({ lease: lease.lease, target, recipe, handle: lease.handle, until }, neverAborted)
  }

  /** All of one target and one recipe, as the sweeper calls. */
  async revoke(leases: readonly TestLease[], signal: AbortSignal = neverAborted): Promise<readonly RevokeOutcome[]> {
    const { outcomes, storage } = await this.#revoke(leases, signal)
    storage.commit()
    for (const [at, outcome] of outcomes.entries()) if (outcome.kind === 'gone') this.#leases.become('revoked', leases[at]!.lease)
    return outcomes
  }

  /** As `revoke`, of a broker that dies before it has kept what came of it. */
  async revokeInVain(leases: readonly TestLease[]): Promise<void> {
    await this.#revoke(leases, neverAborted)
  }

  async #revoke(leases: readonly TestLease[], signal: AbortSignal) {
    const { target, recipe } = leases[0]!.plan
    const revoked = leases.map(({ lease, handle, createBy }): RevokedLease => ({ lease, handle, ...(createBy && { createBy }) }))
    for (const { lease } of leases) this.#leases.become('revoking', lease)
    const storage = this.rows.begin()
    return { storage, outcomes: await this.credential(leases[0]!).revoke({ target, recipe, leases: revoked, storage }, signal) }
  }

  /** Those that were made for this subject and have not ended. */
  ofSubject(subject: string): Promise<readonly MountLease[]> {
    return this.#leases.bySubject(subject)
  }

  /** The names of what carries our mark. */
  async found(lease: TestLease): Promise<readonly string[]> {
    return (await this.listed(lease)).filter(({ marked = 'ours' }) => marked === 'ours').map(({ name }) => name)
  }

  async listed(lease: TestLease): Promise<readonly Found[]> {
    return Array.fromAsync(this.credential(lease).list!(lease.plan.target, neverAborted))
  }

  /** As the reconciler gives a lease to what was found without one: all that is known of it is what the list said. */
  adopted(lease: TestLease, { handle = null, recipe = null, leasePart }: Found): TestLease {
    const id = leasePart === undefined ? leaseId('adopted') : (`test/adopted/${leasePart}` as LeaseId)
    return { lease: id, plan: { ...lease.plan, recipe }, handle }
  }

  async runTasks(): Promise<void> {
    for (const scheduled of this.rows.tasks) await this.#runTask(scheduled)
  }

  async #runTask({ task, key, intent }: Scheduled): Promise<TaskOutcome> {
    const changes = this.rows.begin()
    const outcome = await this.backend.tasks![task]!.run(intent, changes, neverAborted)
    if ('again' in outcome) changes.schedule(task, key, outcome.again, intent)
    else changes.unschedule(task, key)
    changes.commit()
    return outcome
  }

  /** As the broker does for a request that waits: its promise is kept, the task has its turn, and the caller hears of it. */
  async #waited(after: TaskWait): Promise<Answer> {
    const scheduled = this.rows.tasks.find(one => one.task === after.task && one.key === after.key)
    if (!scheduled) throw new Error(`no task ${after.task} ${after.key} is scheduled`)
    const outcome = await this.#runTask(scheduled).catch((error: Error) => ({ why: error.message }))
    return after.answer(outcome.why === undefined ? { kind: 'done' } : { kind: 'failed', error: outcome.why, over: 'done' in outcome })
  }

  /** As the broker does for a request that ends leases: due first, ended by the sweeper, and then the caller hears of it. */
  async #ended({ revoke, answer }: EndingAnswer): Promise<Answer> {
    const groups = Map.groupBy(this.#leases.meant(revoke), ({ plan }) => JSON.stringify([plan.credential, plan.target, plan.recipe]))
    for (const leases of groups.values()) await this.revoke(leases)
    return answer?.()
  }

  credential(lease: TestLease): CredentialType {
    return this.backend.credentials[lease.plan.credential]!
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.backend[Symbol.asyncDispose]()
  }

  async #ask(
    verb: 'read' | 'write' | 'delete' | 'list',
    path: string,
    data: Readonly<Record<string, unknown>>,
    displayName = 'token'
  ): Promise<Answer> {
    const [row, params] = rowAt(this.backend.paths, path)
    const handler: Handler | undefined = row[verb]
    if (!handler) throw new BrokerError('unsupported_operation', 'unsupported operation')
    const { fields, given } = parseFields(row.fields, data)
    const caller = { displayName, accessor: 'accessor', entity: '', metadata: {} }
    const asked = {
      operation: 'read' as Operation,
      path,
      params,
      fields: fields as JsonObject,
      given,
      lease: leaseId(path),
      caller,
      ttls: { defaultTtl: 2_764_800, maxTtl: 2_764_800 }
    } satisfies PathRequest
    const changes = this.rows.begin()
    const operation = verb === 'write' ? ((await row.exists?.(asked, changes)) === false ? 'create' : 'update') : verb
    const answer = await handler({ ...asked, operation }, changes, neverAborted)
    changes.commit()
    if (answer && 'after' in answer) return this.#waited(answer.after)
    return answer && 'revoke' in answer ? await this.#ended(answer) : answer
  }
}

const leaseId = (path: string) => `test/${path}/${randomBytes(12).toString('hex')}` as LeaseId

import { addUser, inTarget, login, prolongUser, removeUsers, usersOf } from '../../../plugins/memory/target.ts'
import { BrokerError, field, Secret } from '../../../src/contracts/index.ts'
import type {
  Clock,
  Connection,
  CreateUser,
  Database,
  DatabaseCheck,
  DatabaseDriver,
  EffectiveRights,
  FoundUser,
  Guarantees,
  JsonObject,
  ListedUser,
  RenewUser,
  RevokeOutcome,
  RightsAsked,
  RevokeUsers,
  SetPassword,
  StatementKind
} from '../../../src/contracts/index.ts'

/** A small true driver: its server is a file of users (that of `plugins/memory`), which asks its admin for a password as any server does. */
export class FileDriver implements DatabaseDriver {
  readonly name: string = 'file'
  readonly pluginNames: readonly string[] = ['file-database-plugin']
  readonly usernameBytesMax = 63
  readonly usernamePartBytes = 8
  readonly fields = { host: field.text(), database: field.text(), username: field.text(), password: field.text(), tls: field.boolean() }
  /** What the servers want from an admin. */
  adminPassword = 'first'
  guarantees: Guarantees = { revocable: 'at once', endsSessions: true, diesByItself: true, listable: true, observable: 'no' }
  missing: readonly string[] = []
  /** What becomes of the next change of a password: `lost` is done, and nobody hears of it; `unread` is done, and logins are checked elsewhere; `half` is done, and what comes after it
   *  refused. */
  rotation: 'works' | 'fails' | 'refused' | 'half' | 'lost' | 'unread' = 'works'
  /** Changes of a password wait for it. */
  rotationHangs: Promise<unknown> | undefined
  /** Turns users away before it looks at their password, as a line of pg_hba.conf does. */
  turnsAway = false
  readonly passwordsSet: SetPassword[] = []
  /** Servers that are open. */
  readonly opened = new Set<Database>()
  readonly created: CreateUser[] = []
  readonly revoked: RevokeUsers[] = []
  checks = 0
  /** What each of its users may. */
  rights: EffectiveRights = { attributes: [], memberOf: [], objects: [{ on: 'file users', may: ['READ'] }], more: 0, concerns: [] }
  /** What becomes of the next users. */
  creation: 'works' | 'is refused' | 'is lost' | 'never answers' = 'works'
  /** Looks at the server wait for it. */
  checkHangs: Promise<unknown> | undefined
  /** Users stay, and may log in. */
  keepsUsers = false

  connection(fields: JsonObject, rules: { readonly tls: 'any' | 'verified' }): Connection {
    if (rules.tls === 'verified' && fields['tls'] !== true) throw new BrokerError('invalid_request', 'tls: verified TLS is required')
    const text = (name: string): string => (typeof fields[name] === 'string' ? fields[name] : '')
    if (text('host') === '') throw new BrokerError('invalid_request', 'host: cannot be empty')
    const [host, database, username, password] = [text('host'), text('database'), text('username'), text('password')]
    return {
      settings: new Secret({ host, database, username, password }),
      details: { host, database, username },
      identity: JSON.stringify([host, database, username]),
      account: JSON.stringify([host, username]),
      warnings: []
    }
  }

  statements(kind: StatementKind, statements: readonly string[]): { readonly warnings: readonly string[] } {
    const [unknown] = statements
      .flatMap(text => [...text.matchAll(/\{\{(\w+)\}\}/g)].map(found => found[1]))
      .filter(name => name !== 'name' && !(kind.endsWith('rotation') && name === 'password'))
    if (unknown) throw new BrokerError('invalid_request', `${kind}_statements: unknown placeholder {{${unknown}}}`)
    return { warnings: [] }
  }

  open(settings: Secret<JsonObject>, { clock }: { readonly clock: Clock }): Database {
    const database = new FileDatabase(this, settings.reveal(), clock)
    this.opened.add(database)
    return database
  }
}

class FileDatabase implements Database {
  readonly #driver: FileDriver
  readonly #settings: JsonObject
  readonly #clock: Clock
  #expected: string | undefined

  constructor(driver: FileDriver, settings: JsonObject, clock: Clock) {
    this.#driver = driver
    this.#settings = settings
    this.#clock = clock
  }

  async check(signal: AbortSignal): Promise<DatabaseCheck> {
    this.#file(signal)
    this.#driver.checks += 1
    await this.#driver.checkHangs
    return { version: '1', missing: this.#driver.missing, guarantees: this.#driver.guarantees }
  }

  async createUser(call: CreateUser, signal: AbortSignal): Promise<JsonObject> {
    const file = this.#file(signal)
    this.#driver.created.push(call)
    if (Temporal.Instant.compare(this.#clock.now(), call.createBy) > 0) throw new BrokerError('target_refused', 'issuance deadline passed')
    const { creation } = this.#driver
    if (creation === 'is refused') throw new BrokerError('target_refused', '42601 syntax error')
    if (creation !== 'never answers') addUser(file, call, call.password.reveal())
    if (creation !== 'works') throw new BrokerError('target_silent', 'the outcome is unknown')
    return { file }
  }

  async renewUser({ name, statements, until }: RenewUser, signal: AbortSignal): Promise<void> {
    if (statements.includes('is refused')) throw new BrokerError('target_refused', '42601 syntax error')
    if (!prolongUser(this.#file(signal), name, until)) throw new BrokerError('target_refused', 'the user is gone')
  }

  async revokeUsers(call: RevokeUsers, signal: AbortSignal): Promise<readonly RevokeOutcome[]> {
    this.#driver.revoked.push(call)
    if (this.#driver.keepsUsers)
      return call.users.map(() => ({ kind: 'ended', again: this.#clock.now().add({ minutes: 1 }), waiting: 'it owns objects' }))
    const found = removeUsers(this.#file(signal), call.users)
    return call.users.map(({ createBy }, at): RevokeOutcome => {
      if (found[at] === 'foreign') return { kind: 'failed', error: new BrokerError('target_refused', 'a user of this name is not ours') }
      if (found[at] === 'absent' && createBy && Temporal.Instant.compare(this.#clock.now(), createBy) <= 0)
        return { kind: 'ended', again: createBy.add({ seconds: 20 }), waiting: 'the user may still be created' }
      return { kind: 'gone' }
    })
  }

  async *listUsers(signal: AbortSignal): AsyncGenerator<ListedUser> {
    yield* usersOf(this.#file(signal))
  }

  async now(signal: AbortSignal): Promise<Temporal.Instant> {
    this.#file(signal)
    return this.#clock.now()
  }

  async effectiveRights({ name }: RightsAsked, signal: AbortSignal): Promise<EffectiveRights> {
    if (!usersOf(this.#file(signal)).some(user => user.name === name)) throw new BrokerError('target_refused', 'no such user')
    return this.#driver.rights
  }

  async findUser(name: string, signal: AbortSignal): Promise<FoundUser | undefined> {
    const file = this.#file(signal)
    if (name === this.#settings['username']) return {}
    const found = usersOf(file).find(user => user.name === name)
    return found && (found.mark === '' ? {} : { mark: found.mark })
  }

  async setPassword(call: SetPassword, signal: AbortSignal): Promise<void> {
    const file = this.#file(signal)
    const { rotation } = this.#driver
    if (rotation === 'fails') throw new BrokerError('target_unreachable', 'cannot reach the server')
    this.#driver.passwordsSet.push(call)
    await this.#driver.rotationHangs
    if (rotation === 'refused') throw new BrokerError('target_refused', '42501 permission denied')
    if (rotation !== 'unread') this.#set(file, call)
    if (rotation === 'half') throw new BrokerError('target_refused', '42501 permission denied')
    if (rotation === 'lost') throw new BrokerError('target_silent', 'the outcome is unknown')
  }

  #set(file: string, { name, password }: SetPassword): void {
    if (name === this.#settings['username']) return void (this.#driver.adminPassword = password.reveal())
    const user = usersOf(file).find(one => one.name === name && one.mark === '')
    if (!user) throw new BrokerError('target_refused', `the server has no user "${name}"`)
    inTarget(file, target => target.prepare('delete from users where name = ?').run(name))
    addUser(file, user, password.reveal())
  }

  async mayLogIn({ name, password }: { readonly name: string; readonly password: Secret<string> }, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) throw new BrokerError('target_silent', 'no answer in time')
    if (name === this.#settings['username']) return password.reveal() === this.#driver.adminPassword
    if (this.#driver.turnsAway) throw new BrokerError('target_refused', '28000 no entry for this host')
    return login(this.#settings['host'] as string, name, password.reveal(), this.#clock.now()) !== undefined
  }

  expectPassword(password: Secret<string>): void {
    this.#expected = password.reveal()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#driver.opened.delete(this)
  }

  /** The server, once the admin has logged in. */
  #file(signal: AbortSignal): string {
    if (!this.#driver.opened.has(this)) throw new Error('the database is closed')
    if (signal.aborted) throw new BrokerError('target_silent', 'no answer in time')
    const { adminPassword } = this.#driver
    if (this.#settings['password'] !== adminPassword && this.#expected !== adminPassword)
      throw new BrokerError('target_refused', '28P01 password authentication failed')
    return this.#settings['host'] as string
  }
}

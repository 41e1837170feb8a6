import { loginPoints } from '../../../src/broker/crash-point.ts'
import { Api } from '../api.ts'
import type { Moment } from '../moment.ts'
import { atFirstPass } from '../moment.ts'
import { Stand } from '../stand.ts'
import type { CrashSuite, Deaths } from '../suite.ts'

const clients = 4

/** Logins by AppRole with secret ids of one use, each asked for by two at once. */
export class LoggedIn implements Deaths {
  readonly stand: Stand
  readonly roleId: string
  /** The secret ids that were used since the last look, by their numbers, and the tokens that were answered. */
  readonly #asked = new Map<number, string>()
  readonly #given: string[] = []
  #number = 0
  answered = 0

  private constructor(stand: Stand, roleId: string) {
    this.stand = stand
    this.roleId = roleId
  }

  static async open(): Promise<LoggedIn> {
    let roleId = ''
    const stand = await Stand.prepared(async ({ api }) => {
      await api.must('POST', 'sys/auth/approle', { type: 'approle', config: { user_lockout_config: { lockout_disable: true } } })
      await api.must('POST', 'auth/approle/role/shop', { token_policies: 'app', secret_id_num_uses: 1, token_ttl: '700h' })
      roleId = (await api.must('GET', 'auth/approle/role/shop/role-id')).data.role_id
    })
    return new LoggedIn(stand, roleId)
  }

  /** A secret id of one use; its number is in the tokens that it gives. */
  async secret(): Promise<string> {
    const metadata = JSON.stringify({ n: String(this.#number++) })
    return (await this.stand.api.must('POST', 'auth/approle/role/shop/secret-id', { metadata })).data.secret_id
  }

  /** The token, or nothing: refused, or the broker died first. */
  async login(secret_id: string): Promise<string | undefined> {
    const answer = await this.stand.api.ask('POST', 'auth/approle/login', { role_id: this.roleId, secret_id }).catch(() => undefined)
    return answer?.status === 200 ? answer.body.auth.client_token : undefined
  }

  /** What the store knows of tokens that logins gave: accessor, and the number of the secret id. */
  async tokens(): Promise<readonly { readonly accessor: string; readonly number: number }[]> {
    const { api } = this.stand
    const { keys } = (await api.must('LIST', 'auth/token/accessors')).data
    const logins: { accessor: string; number: number }[] = []
    for (const accessor of keys) {
      const { data } = await api.must('POST', 'auth/token/lookup-accessor', { accessor })
      if (data.path === 'auth/approle/login') logins.push({ accessor, number: Number(data.meta.n) })
    }
    return logins
  }

  async secretIdsLeft(): Promise<number> {
    const { status, body } = await this.stand.api.ask('LIST', 'auth/approle/role/shop/secret-id')
    return status === 404 ? 0 : body.data.keys.length
  }

  async lives(token: string | undefined): Promise<boolean> {
    return (await new Api(this.stand.api.address, token).ask('GET', 'auth/token/lookup-self')).status === 200
  }

  die(moment: Moment): Promise<boolean> {
    return this.stand.death(moment, { drive: gone => this.#logInUntil(gone) })
  }

  async #logInUntil(gone: AbortSignal): Promise<void> {
    while (!gone.aborted) await Promise.all(Array.from({ length: clients }, () => this.#logInByTwo()))
  }

  async #logInByTwo(): Promise<void> {
    const number = this.#number
    const secret = await this.secret().catch(() => undefined)
    if (secret === undefined) return
    this.#asked.set(number, secret)
    await Promise.all([this.#logIn(secret), this.#logIn(secret)])
  }

  async #logIn(secret: string): Promise<string | undefined> {
    const token = await this.login(secret)
    if (token !== undefined) this.#given.push(token)
    return token
  }

  async broken(): Promise<readonly string[]> {
    await using broker = await this.stand.started()
    const broken: string[] = []
    const tokens = await this.tokens()
    this.answered += this.#given.length
    for (const token of this.#given) if (!(await this.lives(token))) broken.push('a token that was answered does not live')
    for (const [number, secret] of this.#asked) {
      const before = tokens.filter(token => token.number === number).length
      // One whose answer died with the broker too: it is used, or as good as new.
      const again = await Promise.all([this.login(secret), this.login(secret)])
      const now = again.filter(token => token !== undefined).length
      if (before + now !== 1) broken.push(`a secret id of one use had given ${before} tokens after the deaths, and then gave ${now}`)
    }
    for (const { accessor } of await this.tokens()) await this.stand.api.must('POST', 'auth/token/revoke-accessor', { accessor })
    await broker.stop()
    this.#asked.clear()
    this.#given.length = 0
    return broken
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stand[Symbol.asyncDispose]()
  }
}

export const logins: CrashSuite = {
  name: 'logins',
  holds: 'every secret id of one use gave one token or is left, and what was answered lives',
  moments: atFirstPass(loginPoints),
  passesMax: 7,
  deathsPerLook: 10,
  open: () => LoggedIn.open()
}

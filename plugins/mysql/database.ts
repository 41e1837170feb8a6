import type {
  CreateUser,
  Database,
  DatabaseCheck,
  DatabaseDriver,
  EffectiveRights,
  FoundUser,
  JsonObject,
  RenewUser,
  RevokeOutcome,
  RevokeUsers,
  RightsAsked,
  Secret,
  SetPassword
} from 'mayfly/plugin'
import { check } from './check.ts'
import { createUser } from './create-user.ts'
import { effectiveRights } from './effective-rights.ts'
import { isAnswer, targetError } from './errors.ts'
import { findUser } from './find-user.ts'
import { hashThread } from './hash-thread.ts'
import { listUsers } from './list-users.ts'
import { mayLogIn } from './may-log-in.ts'
import { Pool } from '../database/driver/pool.ts'
import { reach } from './reach.ts'
import { renewUser } from './renew-user.ts'
import { revokeUsers } from './revoke-users.ts'
import { setPassword } from './set-password.ts'
import { ServerClock } from '../database/driver/server-clock.ts'
import { nowMs } from './server-clock.ts'
import type { Server } from './server.ts'
import type { Session } from './session.ts'
import { toSettings } from './settings.ts'

type Parts = Parameters<DatabaseDriver['open']>[1]

/** Opens nothing: connections are made when they are needed. */
export function openDatabase(stored: Secret<JsonObject>, { clock, random, log }: Parts): Database {
  const settings = toSettings(stored.reveal())
  const time = new ServerClock(clock)
  const [expected, seen] = [{}, {}]
  const pool = new Pool<Session>({ settings, clock, isAnswer, reach: signal => reach({ settings, clock, time, expected, seen }, signal) })
  return new MysqlDatabase({ settings, clock, random, log, pool, time, expected, seen })
}

class MysqlDatabase implements Database {
  readonly #server: Server
  readonly #hashing = hashThread.hold()

  constructor(server: Server) {
    this.#server = server
  }

  check(signal: AbortSignal): Promise<DatabaseCheck> {
    return check(this.#server, signal)
  }

  createUser(call: CreateUser, signal: AbortSignal): Promise<JsonObject> {
    return createUser(this.#server, call, signal)
  }

  renewUser(call: RenewUser, signal: AbortSignal): Promise<void> {
    return renewUser(this.#server, call, signal)
  }

  revokeUsers(call: RevokeUsers, signal: AbortSignal): Promise<readonly RevokeOutcome[]> {
    return revokeUsers(this.#server, call, signal)
  }

  listUsers(signal: AbortSignal) {
    return listUsers(this.#server, signal)
  }

  async now(signal: AbortSignal): Promise<Temporal.Instant> {
    const { pool, settings } = this.#server
    const sql = `select ${nowMs} as now`
    try {
      const [rows] = await pool.use('revoke', signal, session => session.run(sql, signal))
      return Temporal.Instant.fromEpochMilliseconds(Math.round(Number(rows?.[0]?.['now'])))
    } catch (error) {
      throw targetError(error, 'target_unreachable', [settings.password])
    }
  }

  findUser(name: string, signal: AbortSignal): Promise<FoundUser | undefined> {
    return findUser(this.#server, name, signal)
  }

  setPassword(call: SetPassword, signal: AbortSignal): Promise<void> {
    return setPassword(this.#server, call, signal)
  }

  mayLogIn(user: { readonly name: string; readonly password: Secret<string> }, signal: AbortSignal): Promise<boolean> {
    return mayLogIn(this.#server, user, signal)
  }

  effectiveRights(asked: RightsAsked, signal: AbortSignal): Promise<EffectiveRights> {
    return effectiveRights(this.#server, asked, signal)
  }

  expectPassword(password: Secret<string>): void {
    this.#server.expected.password = password.reveal()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.pool[Symbol.asyncDispose]()
    await this.#hashing[Symbol.asyncDispose]()
  }
}

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
import { check } from './rights/check.ts'
import { createUser } from './create/create-user.ts'
import { isAnswer, targetError } from './server/errors.ts'
import { effectiveRights } from './rights/effective-rights.ts'
import { findUser } from './users/find-user.ts'
import { listUsers } from './users/list-users.ts'
import { mayLogIn } from './server/may-log-in.ts'
import { Pool } from '../database/driver/pool.ts'
import { rehearseUser } from './create/rehearse-user.ts'
import { reach } from './server/reach.ts'
import { renewUser } from './create/renew-user.ts'
import { revokeUsers } from './revoke/revoke-users.ts'
import { setPassword } from './create/set-password.ts'
import { ServerClock } from '../database/driver/server-clock.ts'
import { nowMs } from './server/server-clock.ts'
import type { Server } from './server/server.ts'
import type { Session } from './server/session.ts'
import { toSettings } from './server/settings.ts'

type Parts = Parameters<DatabaseDriver['open']>[1]

/** Opens nothing: connections are made when they are needed. */
export function openDatabase(stored: Secret<JsonObject>, { clock, random, log }: Parts): Database {
  const settings = toSettings(stored.reveal())
  const time = new ServerClock(clock)
  const expected = {}
  const pool = new Pool<Session>({ settings, clock, isAnswer, reach: signal => reach({ settings, clock, time, expected }, signal) })
  return new PostgresDatabase({ settings, clock, random, log, pool, time, expected })
}

class PostgresDatabase implements Database {
  readonly #server: Server

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
      const [result] = await pool.use('revoke', signal, session => session.run(sql, signal))
      return Temporal.Instant.fromEpochMilliseconds(Math.round(Number(result?.rows[0]?.['now'])))
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

  rehearseUser(call: CreateUser & RightsAsked, signal: AbortSignal): Promise<EffectiveRights> {
    return rehearseUser(this.#server, call, signal)
  }

  expectPassword(password: Secret<string>): void {
    this.#server.expected.password = password.reveal()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.pool[Symbol.asyncDispose]()
  }
}

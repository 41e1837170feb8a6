/** The target: a table of users in a SQLite file of its own. Each function opens the file, does one thing in one transaction, synced, and closes it: calls never
 *  mix, several processes may work on one file, and a SIGKILL at any byte leaves a call done or not done. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { BrokerError } from 'mayfly/plugin'

const waitForOthersMs = 5_000

const schema = `
  create table if not exists users (
    name text primary key, mark text not null, password_hash blob, enabled integer not null, until_ms integer not null
  ) strict, without rowid;
  create table if not exists sessions (id integer primary key autoincrement, name text not null) strict;
  create index if not exists sessions_by_name on sessions (name);
  create table if not exists faults (effect text primary key, fault text not null, remaining integer) strict;`

/** `work` in one transaction on the target file. */
export function inTarget<T>(file: string, work: (target: DatabaseSync) => T): T {
  try {
    using target = new DatabaseSync(file, { timeout: waitForOthersMs })
    target.exec(`pragma synchronous = full; begin immediate; ${schema}`)
    const result = work(target)
    target.exec('commit')
    return result
  } catch (cause) {
    throw new BrokerError('target_unreachable', 'the file of users failed', { cause })
  }
}

export interface User {
  readonly name: string
  readonly mark: string
  readonly enabled: boolean
  readonly until: Temporal.Instant
}

export function addUser(file: string, user: Omit<User, 'enabled'>, password: string): void {
  inTarget(file, target =>
    target
      .prepare('insert into users values (?, ?, ?, 1, ?)')
      .run(user.name, user.mark, hashOf(user.name, password), user.until.epochMilliseconds)
  )
}

/** `false`: no such user that may log in. */
export function prolongUser(file: string, name: string, until: Temporal.Instant): boolean {
  const prolong = 'update users set until_ms = ? where name = ? and enabled = 1'
  return inTarget(file, target => target.prepare(prolong).run(until.epochMilliseconds, name).changes === 1)
}

/** For each name what happened: no login and no session any more, nobody of that name, or hands off because the mark is another's. */
export function removeUsers(file: string, users: readonly Pick<User, 'name' | 'mark'>[]): readonly ('removed' | 'absent' | 'foreign')[] {
  return inTarget(file, target => {
    const find = target.prepare('select mark from users where name = ?')
    const disable = target.prepare('update users set enabled = 0, password_hash = null where name = ?')
    const endSessions = target.prepare('delete from sessions where name = ?')
    return users.map(({ name, mark }) => {
      const found = find.get(name)
      if (!found) return 'absent'
      if (found['mark'] !== mark) return 'foreign'
      disable.run(name)
      endSessions.run(name)
      return 'removed'
    })
  })
}

/** The rows that removed users leave behind, so that a name is not taken twice while somebody may still look for it. */
export function purgeRemoved(file: string): void {
  inTarget(file, target => target.exec('delete from users where enabled = 0'))
}

/** Users that may still log in, or could once their row is enabled again. */
export function usersOf(file: string): readonly User[] {
  return inTarget(file, target =>
    target
      .prepare('select name, mark, enabled, until_ms from users where password_hash is not null order by name')
      .all()
      .map(row => ({
        name: String(row['name']),
        mark: String(row['mark']),
        enabled: row['enabled'] === 1,
        until: Temporal.Instant.fromEpochMilliseconds(Number(row['until_ms']))
      }))
  )
}

/** What an application does with the credential: the id of a session, or nothing for whom the target does not know, has disabled or finds expired at `now`. */
export function login(file: string, name: string, password: string, now: Temporal.Instant): number | undefined {
  return inTarget(file, target => {
    const user = target.prepare('select * from users where name = ? and enabled = 1 and until_ms > ?').get(name, now.epochMilliseconds)
    const hash = user?.['password_hash']
    if (!(hash instanceof Uint8Array) || !timingSafeEqual(hash, hashOf(name, password))) return undefined
    return Number(target.prepare('insert into sessions (name) values (?)').run(name).lastInsertRowid)
  })
}

export function isSessionOpen(file: string, session: number): boolean {
  return inTarget(file, target => target.prepare('select 1 from sessions where id = ?').get(session) !== undefined)
}

/** One round is enough: the passwords are 120 random bits. */
const hashOf = (name: string, password: string): Buffer => createHash('sha256').update(`${name}\0${password}`).digest()

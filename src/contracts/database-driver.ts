/** What a driver for one kind of database server implements. The engine (`plugins/database`) owns paths, roles, names, passwords, versions of connections;
 *  the driver knows the server. Everything that differs between servers is a property or a method here, never an `if` in the engine. */
import type { z } from 'zod'
import type { Guarantees, RevokeOutcome } from './credential.ts'
import type { Clock, Random } from './clock.ts'
import type { JsonObject } from './json.ts'
import type { Log } from './log.ts'
import type { Secret } from './secret.ts'

export interface DatabaseDriver {
  readonly name: string
  /** The names under which clients of the wire ask for it: `postgresql-database-plugin`. */
  readonly pluginNames: readonly string[]
  /** The server's limit; a longer name would be cut in silence. */
  readonly usernameBytesMax: number
  /** Of the server of a connection, by the version that its check has told, where some of them take more than others. */
  usernameBytesMaxOf?(version: string): number
  /** How many bytes of display name and role name the default user name keeps. */
  readonly usernamePartBytes: number
  /** What can be done with objects that a user owns, in every database of its server. Absent: users own nothing there. */
  readonly ownedObjects?: readonly OwnedObjects['policy'][]
  /** Whether a user of its servers is one of a host, so that a role may name it. */
  readonly hosts?: true
  /** The fields of `config/:name` that only this driver knows. */
  readonly fields: z.ZodRawShape
  /** Pure. Structured fields, or a URL that is parsed here and never reaches a client library. `connection_url`, `username`, `password` and the pool's
   *  fields are among `fields`. Throws `invalid_request` that names the field, without its value. */
  connection(fields: JsonObject, rules: { readonly tls: 'any' | 'verified' }): Connection
  /** Pure. Refuses unknown placeholders, transaction control and contexts that cannot be quoted, by name. Warns, when a role is written and when it is checked, of what works until
   *  it does not: rights on objects for each user, and what a statement makes that stays when the user ends. */
  statements(kind: StatementKind, statements: readonly string[]): { readonly warnings: readonly string[] }
  /** Opens nothing yet: connections are made when needed. */
  open(settings: Secret<JsonObject>, parts: { readonly clock: Clock; readonly random: Random; readonly log: Log }): Database
}

export type StatementKind = 'creation' | 'renew' | 'revocation' | 'root_rotation' | 'rotation'

export interface Connection {
  /** Everything that `open` needs. The engine stores it sealed. The admin account is its `username`, and its `password` that account's: a new one is
   *  carried over to the older versions of the connection that share its `account`, and one that the engine has rotated to all connections that do. */
  readonly settings: Secret<JsonObject>
  /** What a read of the connection shows: never a password, never a key. */
  readonly details: JsonObject
  /** What a user of this server needs beside name and password to log in: hosts, database, how far TLS is verified. Never a secret: whoever may read
   *  `where/:role` sees it. */
  readonly place?: JsonObject
  /** Host, port, database and admin account in one string. A write that changes it makes a new version of the connection. */
  readonly identity: string
  /** The part of `identity` that has one password and one set of users: hosts, port and admin account, without the database. */
  readonly account: string
  /** What is lost by the operator's choices, in words. */
  readonly warnings: readonly string[]
}

/** One server, reached with one version of the settings. */
export interface Database extends AsyncDisposable {
  /** Connects and looks. Rejects with `target_unreachable` or `target_refused`, in a sentence without host, password or statement. */
  check(signal: AbortSignal): Promise<DatabaseCheck>
  /** In one transaction where the server can: deadline guard, statements or `member_of`, disabled, `VALID UNTIL`, mark; enabled last. Resolves with what
   *  completes the handle. */
  createUser(call: CreateUser, signal: AbortSignal): Promise<JsonObject>
  renewUser(call: RenewUser, signal: AbortSignal): Promise<void>
  /** In batches: disable, end sessions, statements, owned objects, drop, verify. As `CredentialType.revoke`. */
  revokeUsers(call: RevokeUsers, signal: AbortSignal): Promise<readonly RevokeOutcome[]>
  /** Users that carry a mark of any broker, or a name like ours; the engine tells them apart. */
  listUsers(signal: AbortSignal): AsyncIterable<ListedUser>
  now(signal: AbortSignal): Promise<Temporal.Instant>
  /** The user of exactly this name; nothing when the server has none. */
  findUser(name: string, signal: AbortSignal): Promise<FoundUser | undefined>
  /** Gives a user that is there another password. Idempotent, all or nothing. Refuses, with `target_refused`, a user that is not there or carries a mark: it is never
   *  made, and a lease's never touched. An error with another code leaves the outcome unknown. */
  setPassword(call: SetPassword, signal: AbortSignal): Promise<void>
  /** Whether the server lets this user in with this password, tried on a session of its own. `false` only when it has looked at them and said no; what
   *  tells nothing of them (no route, too many sessions) rejects. */
  mayLogIn(user: { readonly name: string; readonly password: Secret<string> }, signal: AbortSignal): Promise<boolean>
  /** What a user may do, as the server sees it now, and what of it would go wrong in production. Read only, asked for by who checks a role and never on the way to a
   *  credential: it takes no place of a revocation. Rejects with `target_refused` when there is no such user. Absent: a check of a role tells nothing of rights. The rest of a
   *  check is `createUser`, `mayLogIn` and `revokeUsers`, as for any lease. */
  effectiveRights?(call: RightsAsked, signal: AbortSignal): Promise<EffectiveRights>
  /** Makes the user of the call as `createUser` would, reads its rights, and takes all of it back in the same transaction: nothing is ever committed, nobody can log in
   *  meanwhile. Absent where what makes users has no transactions. */
  rehearseUser?(call: CreateUser & RightsAsked, signal: AbortSignal): Promise<EffectiveRights>
  /** The admin account is about to get this password: from now on a login that is refused with the one of the settings is tried with it, so that work which
   *  needs another session in the middle of a rotation finds a way in. */
  expectPassword?(password: Secret<string>): void
}

export interface FoundUser {
  /** Of any broker. */
  readonly mark?: string
  /** What keeps the admin account from giving it another password in the driver's own way, in words. */
  readonly missing?: string
}

export interface RightsAsked {
  readonly name: string
  /** What it logs in with: some servers tell all of a user's rights to nobody but the user. */
  readonly password: Secret<string>
  /** As the revocation will be told. Absent: `keep`, with which whatever the user owns keeps it from being dropped. */
  readonly owned?: OwnedObjects
  /** How many objects are named at most. */
  readonly objectsMax: number
}

/** All names in it are as the server tells them: hostile, and cut to a length that can be shown. */
export interface EffectiveRights {
  /** What it is beyond a plain user, in the server's words: `CREATEDB`, `SUPER`. */
  readonly attributes: readonly string[]
  /** Groups or roles whose rights it has, directly or through others. */
  readonly memberOf: readonly string[]
  /** What it may do to what, however it came by it: `{ on: 'table public.orders', may: ['SELECT'] }`. What all users of the server may is left out where it says little. */
  readonly objects: readonly ObjectRights[]
  /** How many objects more there are than were named. */
  readonly more: number
  /** What would be wrong in production, a sentence each: rights on objects granted to the user itself, which do not scale; what keeps it from being dropped; rights that
   *  outlive it; more power than a lease should give; none at all. */
  readonly concerns: readonly string[]
}

export interface ObjectRights {
  readonly on: string
  readonly may: readonly string[]
}

export interface SetPassword {
  readonly name: string
  readonly password: Secret<string>
  /** Empty: the driver's own way. */
  readonly statements: readonly string[]
}

export interface DatabaseCheck {
  readonly version: string
  /** What the admin account lacks, or an operator's choice gives away, and what it costs: `pg_signal_backend: sessions stay open after a revocation`. */
  readonly missing: readonly string[]
  readonly guarantees: Guarantees
}

export interface CreateUser {
  readonly name: string
  readonly password: Secret<string>
  /** `mayfly:1:<instance>:<lease>:<mac>`, at most 64 characters. */
  readonly mark: string
  readonly statements: readonly string[]
  readonly memberOf: readonly string[]
  readonly connectionLimit?: number
  /** From where the user may log in, where the driver has `hosts`. Absent: from anywhere. */
  readonly host?: string
  /** As the revocation will be told: what could not be done then is refused before the user is made. */
  readonly owned?: OwnedObjects
  readonly createBy: Temporal.Instant
  /** The lease's end; the server's own expiry is 5 s later. */
  readonly until: Temporal.Instant
}

export interface RenewUser {
  readonly name: string
  readonly handle: JsonObject
  readonly statements: readonly string[]
  readonly until: Temporal.Instant
}

/** What becomes of the objects that a user owns when it is ended. `keep`: they stay as they are, and with them the user, disabled and without sessions. Never anything that
 *  is not the user's. */
export type OwnedObjects = { readonly policy: 'keep' | 'drop' } | { readonly policy: 'reassign'; readonly to: string }

export interface RevokeUsers {
  readonly statements: readonly string[]
  /** Whether they were made in the driver's own way, without statements of the operator: what is known of those cannot make a user again. */
  readonly ownWay?: boolean
  /** The role has taken that sessions stay open where the account can do nothing about them: such that it cannot even see keep no user from being gone. */
  readonly acceptOpenSessions?: boolean
  /** Absent: `keep`. */
  readonly owned?: OwnedObjects
  readonly users: readonly RevokedUser[]
}

export interface RevokedUser {
  readonly name: string
  readonly mark: string
  /** As `createUser` completed it; empty when the broker never learnt. */
  readonly handle: JsonObject
  readonly createBy?: Temporal.Instant
}

export interface ListedUser {
  readonly name: string
  readonly mark?: string
  readonly enabled: boolean
  /** As `createUser` completes it. */
  readonly handle?: JsonObject
  /** The server's own expiry without what the driver adds to it: what `createUser` and `renewUser` were told. Absent: none. */
  readonly until?: Temporal.Instant
}

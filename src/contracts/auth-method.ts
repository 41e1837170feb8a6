/** How callers become holders of a token. The words:
 *
 *  auth method  a kind of proof (a secret id, a password, a signed token), mounted below `auth/`
 *  login        one proof turned into one token
 *  alias        the name under which a method knows a caller; the same alias is the same entity, whatever token it holds
 *
 *  A method only *plans* a login. The broker performs it: what the plan consumes, the new token and both audit entries are one commit, so that a proof which may be used
 *  once gives one token, whatever crashes and however many try at once.
 *
 *  ```ts
 *  authPath({
 *    pattern: 'login',
 *    summary: 'a token for a ticket',
 *    open: true,
 *    fields: { ticket: field.text() },
 *    write: async ({ fields }, storage) => {
 *      const key = `ticket/${context.mac(fields.ticket ?? '')}`
 *      if (!(await storage.get(key))) return { refused: { message: 'invalid ticket', why: 'no such ticket' } }
 *      storage.take(key)
 *      return { login: { alias: 'guest', policies: ['guest'], … } }
 *    }
 *  })
 *  ``` */
import type { z } from 'zod'
import type { Answer } from './backend.ts'
import type { Clock, Random } from './clock.ts'
import type { JsonObject } from './json.ts'
import type { Log } from './log.ts'
import type { Path, PathDefinition, PathRequest } from './path.ts'
import { path } from './path.ts'
import type { Task } from './backend.ts'
import type { MountReader, MountStorage, Stored, Version } from './storage.ts'

/** A kind of auth method, by the name that `sys/auth` calls `type`. `open` is called once per mount. */
export interface AuthMethodType {
  readonly type: string
  open(context: AuthContext): Promise<AuthMethod>
}

export interface AuthContext {
  /** The path begins with `auth/` and ends with a slash. */
  readonly mount: { readonly path: string; readonly uuid: string; readonly accessor: string }
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly storage: MountReader
  /** A keyed hash that only this mount can compute, hex: under it secrets are stored and found. */
  mac(data: string): string
}

export interface AuthMethod extends AsyncDisposable {
  /** An `open` path needs no token, and never looks at one that comes along. */
  readonly paths: readonly AuthPath[]
  readonly tasks?: Readonly<Record<string, Task>>
  /** What the method says now of a token that it gave and that is to be renewed. Rejects when it would not give it any more. Without this the token keeps what its login said. */
  renew?(token: LoggedIn, storage: MountReader): Promise<RenewalTerms>
}

/** What one login gives. The broker adds the mount's settings, refuses what no login may give, and keeps no secret of it. */
export interface Login {
  readonly alias: string
  /** Told in leases, names of users and audit, after the mount's path: `shop` becomes `approle-shop`. */
  readonly displayName: string
  readonly policies: readonly string[]
  readonly noDefaultPolicy: boolean
  readonly metadata: Readonly<Record<string, string>>
  /** Seconds; 0 = not said. */
  readonly ttl: number
  readonly maxTtl: number
  readonly explicitMaxTtl: number
  readonly period: number
  /** 0 = without limit. */
  readonly uses: number
  /** Where the token may be used from; empty = anywhere. */
  readonly boundCidrs: readonly string[]
  readonly warnings?: readonly string[]
}

/** A token as its method sees it again. */
export interface LoggedIn {
  readonly metadata: Readonly<Record<string, string>>
  readonly issuedAt: Temporal.Instant
}

/** Seconds; 0 = not said. */
export type RenewalTerms = Pick<Login, 'ttl' | 'maxTtl' | 'period'>

/** A proof that was not enough. `alias`: whose it would have been; failures of one alias lock it. `nobody`: no such alias is there, or none for a caller at this address. It is then
 *  counted and locked apart: a lock tells nobody which aliases there are, and who may not come in locks nobody out. `message` is the method's one text, whatever was
 *  wrong; `why` is for the trail alone, and never holds a word of the proof. */
export interface Refusal {
  readonly alias?: string
  readonly nobody?: true
  readonly message: string
  readonly why: string
}

export type AuthAnswer =
  | Answer
  | { readonly login: Login }
  | { readonly refused: Refusal }
  | { readonly status: 202; readonly warnings?: readonly string[] }

export interface AuthRequest<Fields = JsonObject> extends PathRequest<Fields> {
  readonly remoteAddress: string
}

export type AuthHandler<Fields = JsonObject> = (
  request: AuthRequest<Fields>,
  storage: LoginStorage,
  signal: AbortSignal
) => Promise<AuthAnswer>

/** A row with the number of uses that are left; 0 = nobody counts. */
export interface CountedRow extends Stored {
  readonly uses: number
}

/** The mount's sealed rows, with what single use needs. When a condition is lost the login is planned anew: somebody else was faster. */
export interface LoginStorage extends MountStorage {
  counted(key: string): Promise<CountedRow | undefined>
  /** A row that nobody has made yet. The commit fails when it is there. */
  putCounted(key: string, value: JsonObject, uses: number): void
  /** One use of a row of which more than one is left. The last is taken with the row, by `take`. */
  spend(key: string): void
  /** The commit fails unless the row is as it was read: a login that races with a change is planned anew. */
  expect(key: string, version: Version): void
}

/** As a backend's `Path`, with handlers that may log in. */
export interface AuthPath extends Omit<Path, 'read' | 'write' | 'delete' | 'list'> {
  readonly read?: AuthHandler
  readonly write?: AuthHandler
  readonly delete?: AuthHandler
  readonly list?: AuthHandler
}

interface AuthPathDefinition<Shape extends z.ZodRawShape> extends Omit<PathDefinition<Shape>, 'read' | 'write' | 'delete' | 'list'> {
  readonly read?: AuthHandler<z.output<z.ZodObject<Shape>>>
  readonly write?: AuthHandler<z.output<z.ZodObject<Shape>>>
  readonly delete?: AuthHandler<z.output<z.ZodObject<Shape>>>
  readonly list?: AuthHandler<z.output<z.ZodObject<Shape>>>
}

/** Declares a path, its handlers typed by its fields. */
export function authPath<Shape extends z.ZodRawShape>(definition: AuthPathDefinition<Shape>): AuthPath {
  return path(definition as unknown as PathDefinition<Shape>)
}

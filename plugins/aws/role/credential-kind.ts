import { field } from 'mayfly/plugin'
import type { CredentialType, Issuance, MountStorage, PathRequest, z } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import type { KnownRoot } from '../root/known-root.ts'
import type { Role } from './role.ts'

/** What `creds/:name` and `sts/:name` take, in query or body. */
export const credsFields = {
  role_arn: field.text(),
  ttl: field.duration(),
  role_session_name: field.text(),
  mfa_code: field.text(),
  // Mayfly's own.
  wait: field.text(),
  ticket: field.text()
}
export type CredsFields = z.output<z.ZodObject<typeof credsFields>>

/** One row of the table of credential types. */
export interface CredentialKind {
  /** `credential_type` on the wire, and the key of `Backend.credentials` that every lease row keeps: never rename one. */
  readonly type: string
  /** What keeps a role of this type from being written, in the wire's words where it has some. */
  mistakes(role: Role): readonly string[]
  /** What a role of this type gives up. */
  warnings(role: Role): readonly string[]
  /** Touches nothing. `IssueCall.target` is `targetOf(engine, type, asked.root.config.version)`. */
  plan(engine: Engine, asked: Asked, signal: AbortSignal): Promise<Issuance>
  credential(engine: Engine): CredentialType
}

/** A credential that somebody asks for. */
export interface Asked {
  readonly request: PathRequest<CredsFields>
  readonly name: string
  readonly role: Role
  readonly roleVersion: number
  readonly root: KnownRoot
  readonly storage: MountStorage
}

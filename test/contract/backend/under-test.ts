import { expect } from 'vitest'
import type { JsonObject, RevokeOutcome } from '../../../src/contracts/index.ts'
import type { TestLease, TestMount } from '../test-mount.ts'

/** A backend, mounted and configured, and what an application does at its target. */
export interface BackendUnderTest extends AsyncDisposable {
  readonly mount: TestMount
  /** A path whose read issues: `creds/app`; or one that can only be written, with what `mount.asks` says. */
  readonly creds: string
  /** With what a caller was given. Nothing: the target refuses. */
  login(secret: JsonObject): Promise<Session | undefined>
  /** Resolves when the target's own clock has passed `instant` by so much that it refuses what ended then. */
  pass(instant: Temporal.Instant): Promise<void>
  /** Makes something of this very name at the target that does not carry our mark, where the target has names that somebody else can take. */
  occupy?(name: string): Promise<Stranger>
}

export interface Session extends AsyncDisposable {
  /** Whether the target still answers it. */
  isOpen(): Promise<boolean>
}

/** What belongs to somebody else. */
export interface Stranger extends AsyncDisposable {
  isUntouched(): Promise<boolean>
}

export async function login(under: BackendUnderTest, lease: TestLease): Promise<Session | undefined> {
  return under.login(lease.secret!.reveal())
}

/** It takes effect by leaving, and nothing is anywhere before. */
export function isMinted(under: BackendUnderTest, lease: TestLease): boolean {
  return under.mount.credential(lease).mint !== undefined
}

/** No login and no session; proof or clean-up may be pending. */
export function expectEnded(outcomes: readonly RevokeOutcome[]): void {
  for (const outcome of outcomes) expect(['gone', 'ended'], JSON.stringify(outcome)).toContain(outcome.kind)
}

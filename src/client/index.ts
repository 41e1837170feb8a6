/** `mayfly/client`: what an application imports. It runs on Node 20 and newer, and imports nothing of the server. */
export {
  ClientError,
  CredentialEnded,
  Denied,
  LeaseLost,
  NothingThere,
  NotUnderstood,
  Refused,
  Sealed,
  TooMany,
  Unreachable
} from './client-error.ts'
export type { WhyUnreachable } from './client-error.ts'
export type { Credential } from './credential.ts'
export type { HeldLease, LeaseOptions, Trouble } from './held-lease.ts'
export { appRole, token } from './login.ts'
export type { AppRole, LoggedIn, Login } from './login.ts'
export { Mayfly } from './mayfly.ts'
export type { MayflyOptions } from './mayfly.ts'
export type { Reply } from './reply.ts'
export type { Timing } from './timing.ts'

import type { BackendContext, TargetId } from 'mayfly/plugin'
import type { BlockedKeys } from './blocked-keys/blocked-keys.ts'
import type { SigningKeys } from './issuers/signing-keys.ts'
import type { PublishedKrl } from './krl/published-krl.ts'
import type { CertificateGuarantees } from './sign/guarantees.ts'
import type { Serials } from './sign/serials.ts'

/** What every path, credential and task of one mount works with. */
export interface Engine {
  readonly context: BackendContext
  readonly keys: SigningKeys
  readonly serials: Serials
  readonly krl: PublishedKrl
  readonly blockedKeys: BlockedKeys
  readonly guarantees: CertificateGuarantees
}

/** A certificate's target is its issuer, by the id that never changes. */
export function issuerTarget({ mount }: BackendContext, issuer: string): TargetId {
  return `${mount.uuid}/${issuer}` as TargetId
}

import { BrokerError } from 'mayfly/plugin'
import type { MountReader } from 'mayfly/plugin'
import type { CertificateKind } from '../format/certificate.ts'
import { fingerprint } from '../format/public-key.ts'
import type { PublicKey } from '../format/public-key.ts'
import { readIssuers } from '../issuers/issuer.ts'
import { blockedKey, keyHash } from './blocked-key.ts'
import type { BlockedKey } from './blocked-key.ts'

/** A key that is known for something else than logging in with it. */
export async function refuseKnownKey(key: PublicKey, kind: CertificateKind, storage: MountReader): Promise<void> {
  const { issuers } = (await readIssuers(storage)).all
  const print = fingerprint(key)
  // Whoever held the certificate could sign all others.
  if (issuers.some(issuer => issuer.fingerprint === print)) throw refusal('this is the key of an issuer')
  const stored = await storage.get(blockedKey(keyHash(key)))
  const why = (stored?.value as BlockedKey | undefined)?.why
  if (why === 'revoked') throw refusal('this key was revoked: make a new one')
  if (why === 'host' && kind === 'user') throw refusal('this is the key of a host')
}

function refusal(reason: string): BrokerError {
  return new BrokerError('invalid_request', `public_key: ${reason}`)
}

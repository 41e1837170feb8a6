import { BrokerError } from 'mayfly/plugin'
import type { CertificateKind } from '../format/certificate.ts'
import type { PublicKey } from '../format/public-key.ts'
import { readIssuers } from '../issuers/issuer.ts'
import type { Engine } from '../engine.ts'

/** A key that is known for something else than logging in with it. */
export async function refuseKnownKey(
  { context, blockedKeys }: Engine,
  { key, print }: { readonly key: PublicKey; readonly print: string },
  kind: CertificateKind
): Promise<void> {
  const { issuers } = (await readIssuers(context.storage)).all
  // Whoever held the certificate could sign all others.
  if (issuers.some(issuer => issuer.fingerprint === print)) throw refusal('this is the key of an issuer')
  const why = (await blockedKeys.find(key))?.why
  if (why === 'revoked') throw refusal('this key was revoked: make a new one')
  if (why === 'host' && kind === 'user') throw refusal('this is the key of a host')
}

function refusal(reason: string): BrokerError {
  return new BrokerError('invalid_request', `public_key: ${reason}`)
}

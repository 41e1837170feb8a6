import { BrokerError } from 'mayfly/plugin'
import type { MountReader, PathRequest } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import type { CertificateKind } from '../format/certificate.ts'
import { requireOptions } from '../format/options.ts'
import type { RsaAlgorithm } from '../format/signer.ts'
import { readIssuers } from '../issuers/issuer.ts'
import type { Issuer, Issuers } from '../issuers/issuer.ts'
import { issuerAt } from '../issuers/issuer-ref.ts'
import type { CaRole } from '../roles/role.ts'
import { allowedPrincipals } from './allowed-principals.ts'
import { criticalOptions, extensions } from './certificate-options.ts'
import { askedKeyId } from './key-id.ts'
import { requireSigning } from './plan-certificate.ts'
import type { Decided } from './plan-certificate.ts'
import type { CertificateFields } from './certificate-fields.ts'
import { subjectKey } from './subject-key.ts'

export interface AskingRole {
  readonly name: string
  readonly role: CaRole
  readonly version: number
}

/** Whether this certificate may be signed, and what it will say. The order of the checks is the wire's: which sentence a caller reads depends on it. Nothing is written or reserved. */
export async function decideCertificate(
  { guarantees }: Engine,
  { caller, ttls }: PathRequest<unknown>,
  { name, role, version }: AskingRole,
  asked: CertificateFields & { readonly publicKey: string },
  storage: MountReader
): Promise<Decided> {
  const key = subjectKey(asked.publicKey, role)
  const keyId = wantedKeyId(role, asked.key_id ?? '')
  const kind = wantedKind(role, asked.cert_type || 'user')
  const principals = await allowedPrincipals(kind, role, asked.valid_principals ?? '', caller, storage)
  const ttl = wantedTtl(role, asked.ttl, ttls.maxTtl)
  const critical = criticalOptions(role, asked.critical_options)
  const extended = extensions(role, asked.extensions, caller)
  requireOptions({
    kind,
    key,
    criticalOptions: new Map(Object.entries(critical)),
    extensions: new Map(Object.entries(extended.extensions))
  })
  const { all } = await readIssuers(storage)
  const issuer = signingIssuer(all, role.issuerRef, kind)
  return {
    kind,
    role: name,
    roleVersion: version,
    issuer,
    key,
    principals,
    ...(keyId === '' ? {} : { keyId }),
    keyIdFormat: role.keyIdFormat,
    criticalOptions: critical,
    extensions: extended.extensions,
    ttl,
    maxTtl: role.maxTtl,
    notBefore: role.notBefore,
    algorithm: algorithmOf(role.algorithmSigner),
    outlivesToken: role.leaseOutlivesToken ?? false,
    guarantees: await guarantees.now(),
    warnings: extended.warnings
  }
}

function wantedKeyId(role: CaRole, keyId: string): string {
  if (keyId === '') return ''
  if (!role.allowUserKeyIds) throw refusal('setting key_id is not allowed by role')
  return askedKeyId(keyId)
}

function wantedKind(role: CaRole, kind: string): CertificateKind {
  if (kind !== 'user' && kind !== 'host') throw refusal("cert_type must be either 'user' or 'host'")
  if (!(kind === 'user' ? role.allowUserCertificates : role.allowHostCertificates))
    throw refusal(`cert_type '${kind}' is not allowed by role`)
  return kind
}

/** Only what is asked for is refused: a default above the cap is cut in silence. */
function wantedTtl(role: CaRole, ttl: number | undefined, mountMax: number): number {
  if (!ttl) return role.ttl
  const max = role.maxTtl > 0 ? Math.min(role.maxTtl, mountMax) : mountMax
  if (ttl > max) throw refusal(`ttl is larger than maximum allowed ${max}`)
  return ttl
}

export function signingIssuer(all: Issuers, ref: string, kind: CertificateKind): Issuer {
  const byDefault = ref.toLowerCase() === 'default' && kind === 'host' && all.defaultHost !== ''
  const issuer = issuerAt(all, byDefault ? all.defaultHost : ref)
  requireSigning(issuer, kind)
  return issuer
}

/** SHA-1 is in the wire's list, and never used. */
function algorithmOf(signer: string): RsaAlgorithm {
  return signer === 'rsa-sha2-256' ? signer : 'rsa-sha2-512'
}

function refusal(message: string): BrokerError {
  return new BrokerError('invalid_request', message)
}

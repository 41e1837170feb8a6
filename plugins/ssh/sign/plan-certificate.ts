import { BrokerError } from 'mayfly/plugin'
import type { Guarantees, Issuance, JsonObject, MountStorage, PathRequest } from 'mayfly/plugin'
import { refuseKnownKey } from '../blocked-keys/refuse-known-key.ts'
import type { Engine } from '../engine.ts'
import { issuerTarget } from '../engine.ts'
import type { CertificateKind } from '../format/certificate.ts'
import { fingerprint } from '../format/public-key.ts'
import type { PublicKey } from '../format/public-key.ts'
import { writeKeyLine } from '../format/key-line.ts'
import type { RsaAlgorithm } from '../format/signer.ts'
import type { Issuer } from '../issuers/issuer.ts'
import { schedulePublishing } from '../krl/schedule-publishing.ts'
import { certificateName } from './certificate-name.ts'
import { keyIdOf, requesterOf } from './key-id.ts'

/** What a certificate will say, decided: nothing of it is asked again. */
export interface Decided {
  readonly kind: CertificateKind
  readonly role: string
  readonly roleVersion: number
  readonly issuer: Issuer
  readonly key: PublicKey
  readonly principals: readonly string[]
  /** As asked for; absent = by the format. */
  readonly keyId?: string
  readonly keyIdFormat: string
  readonly criticalOptions: Readonly<Record<string, string>>
  readonly extensions: Readonly<Record<string, string>>
  readonly ttl: number
  readonly maxTtl: number
  /** Seconds before now from which it is good. */
  readonly notBefore: number
  readonly algorithm: RsaAlgorithm
  readonly outlivesToken: boolean
  readonly guarantees: Guarantees
  readonly warnings: readonly string[]
  /** What the reply says besides. */
  readonly also?: JsonObject
}

/** What signing needs and ending does not. */
export type Order = {
  readonly publicKey: string
  readonly kind: CertificateKind
  readonly keyId: string
  readonly principals: readonly string[]
  readonly criticalOptions: Readonly<Record<string, string>>
  readonly extensions: Readonly<Record<string, string>>
  readonly notBefore: number
  readonly algorithm: RsaAlgorithm
  readonly also: JsonObject
}

/** Which certificate to end. `validBefore`: in seconds; absent until it is signed. `kind`: absent = a user's. */
export type Handle = {
  readonly v: 1
  readonly issuer: string
  readonly serial: number
  readonly validBefore?: number
  readonly kind?: 'host'
}

/** The last look at the key, whoever asks; then takes the serial and makes the plan. */
export async function planCertificate(
  engine: Engine,
  request: PathRequest<unknown>,
  decided: Decided,
  storage: MountStorage
): Promise<Issuance> {
  const { issuer, key, principals, kind } = decided
  const print = fingerprint(key)
  await refuseKnownKey(engine, { key, print }, kind)
  // A host proves who it is with this key: nobody shall log in with it.
  if (kind === 'host' && !(await engine.blockedKeys.find(key))) {
    if (await engine.blockedKeys.isFull())
      throw new BrokerError('invalid_request', 'blocked_keys is full: delete the keys of hosts that are gone')
    engine.blockedKeys.add(key, 'host', storage)
  }
  const { serial, begins } = await engine.serials.next(issuer, storage)
  if (begins) schedulePublishing(engine.context, storage)
  const keyId = decided.keyId ?? keyIdOf(decided.keyIdFormat, keyIdFacts(request, decided, serial))
  const { criticalOptions, extensions, notBefore, algorithm } = decided
  const publicKey = writeKeyLine(key)
  const order: Order = { publicKey, kind, keyId, principals, criticalOptions, extensions, notBefore, algorithm, also: decided.also ?? {} }
  return {
    credential: 'certificate',
    target: issuerTarget(engine.context, issuer.id),
    role: decided.role,
    roleVersion: decided.roleVersion,
    recipe: null,
    handle: { v: 1, issuer: issuer.id, serial, ...(kind === 'host' ? { kind } : {}) } satisfies Handle,
    order,
    name: certificateName(issuer.id, serial),
    visible: {
      serial: String(serial),
      key_id: keyId,
      principals: principals.join(','),
      fingerprint: print,
      cert_type: kind,
      issuer_id: issuer.id
    },
    subject: print,
    ttl: decided.ttl,
    maxTtl: decided.maxTtl,
    renewable: false,
    outlivesToken: decided.outlivesToken,
    guarantees: decided.guarantees,
    warnings: decided.warnings
  }
}

function keyIdFacts(request: PathRequest<unknown>, { role, key }: Decided, serial: number) {
  return {
    requester: requesterOf(request),
    displayName: request.caller.displayName,
    role,
    lease: request.lease.slice(request.lease.lastIndexOf('/') + 1),
    key,
    serial: String(serial)
  }
}

/** Throws unless this issuer signs this kind now. */
export function requireSigning({ phase, signs, name, id }: Issuer, kind: CertificateKind): void {
  const which = `the issuer ${name || id}`
  if (phase !== 'active') throw new BrokerError('invalid_request', `${which} is ${phase}: it does not sign`)
  if (signs !== 'any' && signs !== kind) throw new BrokerError('invalid_request', `${which} signs ${signs} certificates only`)
}

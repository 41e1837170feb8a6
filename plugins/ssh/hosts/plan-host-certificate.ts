import type { Guarantees, Issuance, MountStorage, PathRequest } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { parseKeyLine } from '../format/key-line.ts'
import { readIssuers } from '../issuers/issuer.ts'
import { signingIssuer } from '../sign/decide-certificate.ts'
import { planCertificate } from '../sign/plan-certificate.ts'

export interface HostCertificate {
  readonly host: string
  /** One line. */
  readonly publicKey: string
  readonly names: readonly string[]
  /** Seconds. */
  readonly ttl: number
}

// As a role has it unless it says otherwise.
const notBeforeSeconds = 30

/** Ends with its time; the token that invited the host is gone by then. */
const guarantees: Guarantees = {
  revocable: 'eventually',
  endsSessions: false,
  diesByItself: true,
  listable: false,
  observable: 'no',
  notes: ['clients refuse a revoked host certificate when they load the KRL of this mount (RevokedHostKeys)']
}

/** A certificate like any other, for names that an operator gave and with no role in between. */
export async function planHostCertificate(
  engine: Engine,
  request: PathRequest<unknown>,
  { host, publicKey, names, ttl }: HostCertificate,
  storage: MountStorage
): Promise<Issuance> {
  const issuer = signingIssuer((await readIssuers(storage)).all, 'default', 'host')
  const decided = {
    kind: 'host' as const,
    role: `host:${host}`,
    roleVersion: 0,
    issuer,
    key: parseKeyLine(publicKey).key,
    principals: names,
    keyIdFormat: `host:${host}:{{lease_id}}`,
    criticalOptions: {},
    extensions: {},
    ttl,
    maxTtl: ttl,
    notBefore: notBeforeSeconds,
    algorithm: 'rsa-sha2-512' as const,
    outlivesToken: true,
    guarantees,
    warnings: []
  }
  return planCertificate(engine, request, decided, storage)
}

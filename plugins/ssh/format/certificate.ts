/** A certificate: `draft-ietf-sshm-cert-01`, which OpenSSH calls version 01. Fields 1 to 13 are signed, nothing follows the signature.
 *
 *   type name | nonce | key fields | serial | 1 user, 2 host | key id | principals | valid after | valid before | critical options | extensions | reserved | CA key | signature
 *
 * `sign-certificate.ts` makes them and refuses whatever a host would read otherwise than it was meant; `parse-certificate.ts` reads them. */
import { isKeyType } from './public-key.ts'
import type { KeyType, PublicKey } from './public-key.ts'

export type CertificateKind = 'user' | 'host'

export interface CertificateFields {
  readonly kind: CertificateKind
  /** 32 random bytes: with them nobody can prepare two certificates with one hash. */
  readonly nonce: Uint8Array
  readonly key: PublicKey
  readonly serial: bigint
  readonly keyId: string
  readonly principals: readonly string[]
  /** Seconds: valid from `validAfter` on, and before `validBefore`. */
  readonly validAfter: bigint
  readonly validBefore: bigint
  /** Name to value; the value of a flag is ''. */
  readonly criticalOptions: ReadonlyMap<string, string>
  readonly extensions: ReadonlyMap<string, string>
}

export interface Certificate extends CertificateFields {
  readonly issuer: PublicKey
  /** Fields 1 to 13 as they stand in the blob. */
  readonly signedPart: Buffer
  readonly signature: Buffer
}

export const kindNumber = { user: 1, host: 2 } as const satisfies Record<CertificateKind, number>

// SSHKEY_CERT_MAX_PRINCIPALS: one more, and no host can read the certificate.
export const principalsMax = 256

const suffix = '-cert-v01@openssh.com'
const domain = '@openssh.com'

/** The name of a FIDO key moves its `@openssh.com` to the end. */
export function certificateType(type: KeyType): string {
  return `${type.endsWith(domain) ? type.slice(0, -domain.length) : type}${suffix}`
}

/** The key type that a certificate's type name stands for; undefined when it is none. */
export function subjectType(name: string): KeyType | undefined {
  if (!name.endsWith(suffix)) return undefined
  const plain = name.slice(0, -suffix.length)
  const type = plain.startsWith('sk-') ? `${plain}${domain}` : plain
  return isKeyType(type) ? type : undefined
}

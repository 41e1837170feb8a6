import type { BackendContext, MountLease, MountReader } from 'mayfly/plugin'
import { readIssuers } from '../issuers/issuer.ts'
import { certificateName } from '../sign/certificate-name.ts'

/** As sshd names a certificate: by the fingerprint of who signed it, and its serial in decimal. */
export interface NamedCertificate {
  readonly ca: string
  readonly serial: string
}

/** The names of their leases; none for a CA that is not of this mount. */
export async function certificateNames(storage: MountReader, named: readonly NamedCertificate[]): Promise<readonly (string | undefined)[]> {
  const { issuers } = (await readIssuers(storage)).all
  return named.map(({ ca, serial }) => {
    const issuer = issuers.find(({ fingerprint }) => fingerprint === ca)
    // As we write it: `007` is nobody's.
    return issuer && /^[1-9]\d{0,15}$/.test(serial) ? certificateName(issuer.id, serial) : undefined
  })
}

export async function findCertificate(
  { leases }: BackendContext,
  storage: MountReader,
  named: NamedCertificate
): Promise<MountLease | undefined> {
  const [name] = await certificateNames(storage, [named])
  return name === undefined ? undefined : (await leases.named([name]))[0]
}

import type { MountLease, MountReader } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { parseKeyLine } from '../format/key-line.ts'
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

/** `trusted`: its issuer's key was not revoked. Who has that key signs what it likes, also with a serial that is somebody's. */
export async function findCertificate(
  { context, blockedKeys }: Engine,
  storage: MountReader,
  named: NamedCertificate
): Promise<{ readonly lease: MountLease; readonly trusted: boolean } | undefined> {
  const [name] = await certificateNames(storage, [named])
  const [lease] = name === undefined ? [] : await context.leases.named([name])
  const issuer = (await readIssuers(storage)).all.issuers.find(({ fingerprint }) => fingerprint === named.ca)
  if (!lease || !issuer) return undefined
  const blocked = issuer.phase === 'deleted' ? await blockedKeys.find(parseKeyLine(issuer.publicKey).key) : undefined
  return { lease, trusted: issuer.phase !== 'revoked' && blocked?.why !== 'revoked' }
}

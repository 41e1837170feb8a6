import { createHash } from 'node:crypto'
import type { CertificateFields } from './certificate.ts'
import type { Krl } from './krl.ts'
import { keyBlob } from './public-key.ts'
import type { PublicKey } from './public-key.ts'
import { holdsSerial } from './serial-ranges.ts'

type RevocableCertificate = Pick<CertificateFields, 'key' | 'serial' | 'keyId'> & { readonly issuer: PublicKey }

/** Whether sshd would refuse this key for being on the list. */
export function isKeyRevoked(krl: Krl, key: PublicKey): boolean {
  const blob = keyBlob(key)
  const hash = createHash('sha256').update(blob).digest()
  return krl.fingerprints.some(one => one.equals(hash)) || krl.keys.some(one => keyBlob(one).equals(blob))
}

/** Whether sshd would refuse this certificate for being on the list: by its key, by its CA's key, or by what the CA's section and that of every CA say of it. */
export function isCertificateRevoked(krl: Krl, { key, issuer, serial, keyId }: RevocableCertificate): boolean {
  if (isKeyRevoked(krl, key) || isKeyRevoked(krl, issuer)) return true
  const issuerBlob = keyBlob(issuer)
  return krl.certificates
    .filter(({ ca }) => !ca || keyBlob(ca).equals(issuerBlob))
    .some(({ serials, keyIds }) => keyIds.includes(keyId) || holdsSerial(serials, serial))
}

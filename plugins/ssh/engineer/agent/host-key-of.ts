import { subjectType } from '../../format/certificate.ts'
import { parseCertificate } from '../../format/parse-certificate.ts'
import { parsePublicKey } from '../../format/public-key.ts'
import type { PublicKey } from '../../format/public-key.ts'
import { WireReader } from '../../format/wire-reader.ts'

/** The key that a host has shown, by itself or in its certificate. */
export function hostKeyOf(blob: Buffer): PublicKey {
  const isCertificate = subjectType(new WireReader(blob, 'host key').text('type')) !== undefined
  return isCertificate ? parseCertificate(blob).key : parsePublicKey(blob)
}

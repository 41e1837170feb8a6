import { BrokerError, field, path } from 'mayfly/plugin'
import type { Answer, MountStorage, Path, PathRequest } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { readRole } from '../roles/role.ts'
import type { CaRole } from '../roles/role.ts'
import { certificateFields } from './certificate-fields.ts'
import type { CertificateFields } from './certificate-fields.ts'
import { decideCertificate } from './decide-certificate.ts'
import { planCertificate } from './plan-certificate.ts'

/** `sign/:role`: a certificate for a key that stays where it is. */
export function signPath(engine: Engine): Path {
  return path({
    pattern: 'sign/:role',
    summary: 'a certificate for a public key',
    fields: { ...certificateFields, public_key: field.text() },
    write: (request, storage) => sign(engine, request, storage)
  })
}

async function sign(
  engine: Engine,
  request: PathRequest<CertificateFields & { readonly public_key?: string | undefined }>,
  storage: MountStorage
): Promise<Answer> {
  const name = request.params['role'] ?? ''
  const found = await readRole(storage, name)
  if (!found) throw new BrokerError('unknown_role', `Unknown role: ${name}`)
  if (found.role.type !== 'ca') throw new BrokerError('invalid_request', `role key type 'otp' not allowed to sign keys`)
  const role: CaRole = found.role
  const asked = { publicKey: request.fields.public_key ?? '', ...request.fields }
  const decided = await decideCertificate(engine, request, { name, role, version: found.version }, asked, storage)
  return { issue: await planCertificate(engine, request, decided, storage) }
}

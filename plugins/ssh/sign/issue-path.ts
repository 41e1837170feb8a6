import type { KeyObject } from 'node:crypto'
import { BrokerError, field, path } from 'mayfly/plugin'
import type { Answer, MountStorage, Path, PathRequest } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { writeKeyLine } from '../format/key-line.ts'
import { publicPart } from '../format/key-object.ts'
import { writeOpenSshKey } from '../format/write-openssh-key.ts'
import { generateKey } from '../issuers/generate-key.ts'
import { readRole } from '../roles/role.ts'
import type { CaRole } from '../roles/role.ts'
import { decideCertificate } from './decide-certificate.ts'
import { planCertificate } from './plan-certificate.ts'
import { certificateFields } from './certificate-fields.ts'
import type { CertificateFields } from './certificate-fields.ts'

// Found in a quarter of the time of 4,096 bits, and good beyond 2030.
const rsaBitsUsual = 3_072

// Above it the search for primes keeps a thread that signs for all for many seconds.
const bitsMax = 4_096

type Request = PathRequest<CertificateFields & { readonly key_type?: string | undefined; readonly key_bits?: number | undefined }>

/** `issue/:role`: a key pair and its certificate. With `sign` the private key would never travel. */
export function issuePath(engine: Engine): Path {
  return path({
    pattern: 'issue/:role',
    summary: 'a new key pair with its certificate',
    fields: { ...certificateFields, key_type: field.text(), key_bits: field.integer() },
    write: (request, storage) => issue(engine, request, storage)
  })
}

async function issue(engine: Engine, request: Request, storage: MountStorage): Promise<Answer> {
  const name = request.params['role'] ?? ''
  const found = await readRole(storage, name)
  if (!found) throw new BrokerError('unknown_role', `unknown role: ${name}`)
  if (found.role.type !== 'ca') throw new BrokerError('invalid_request', "role key type 'otp' not allowed to issue key pairs")
  const role: CaRole = found.role
  const type = request.fields.key_type || 'rsa'
  const bits = request.fields.key_bits ?? 0
  if (bits > bitsMax) throw new BrokerError('invalid_request', `key_bits: at most ${bitsMax}`)
  requireListed(role, type, bits)
  const key = await generateKey(type, bits, rsaBitsUsual)
  const asked = { ...request.fields, publicKey: writeKeyLine(publicPart(key)) }
  const decided = await decideCertificate(engine, request, { name, role: withItsLength(role), version: found.version }, asked, storage)
  const also = { private_key: privateKeyText(engine, key), private_key_type: type }
  return { issue: await planCertificate(engine, request, { ...decided, also }, storage) }
}

// As a role may name the types that are made here.
const names: readonly (readonly string[])[] = [
  ['rsa', 'ssh-rsa'],
  ['ed25519', 'ssh-ed25519'],
  ['ec', 'ecdsa']
]

/** The number must stand in the list as it was sent, 0 included. */
function requireListed({ allowedUserKeyLengths: lengths }: CaRole, type: string, bits: number): void {
  if (Object.keys(lengths).length === 0) return
  const listed = (names.find(all => all.includes(type)) ?? [type]).filter(name => Object.hasOwn(lengths, name))
  if (listed.length === 0) throw new BrokerError('invalid_request', 'provided key_type value not in allowed_user_key_types')
  if (!listed.some(name => lengths[name]!.includes(bits)))
    throw new BrokerError('invalid_request', "provided key_bits value not in list of role's allowed_user_key_types")
}

/** What the list says of the length was asked already, of the number as it was sent: 0 stands for the usual one. */
function withItsLength(role: CaRole): CaRole {
  const lengths = Object.entries(role.allowedUserKeyLengths).map(([type, listed]) => [type, [...listed, 0]])
  return { ...role, allowedUserKeyLengths: Object.fromEntries(lengths) as CaRole['allowedUserKeyLengths'] }
}

/** As tools of each kind of key read it. */
function privateKeyText({ context }: Engine, key: KeyObject): string {
  const type = key.asymmetricKeyType
  if (type === 'rsa') return key.export({ type: 'pkcs1', format: 'pem' })
  if (type === 'ec') return key.export({ type: 'sec1', format: 'pem' })
  return writeOpenSshKey(key, '', context.random.bytes(4)).reveal()
}

import { createHash } from 'node:crypto'
import { decodeBase64 } from './base64.ts'
import { keyBlob, parsePublicKey } from './public-key.ts'
import type { PublicKey } from './public-key.ts'
import { isSignedBy } from './signature.ts'
import type { Signer } from './signer.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

const magic = Buffer.from('SSHSIG')
const format = 1
const begin = '-----BEGIN SSH SIGNATURE-----'
const end = '-----END SSH SIGNATURE-----'
const lineCharacters = 70
// The largest is RSA with 16,384 bits: key and signature of 2 KiB each, in base64.
const armourCharactersMax = 8192

/** A detached signature (`PROTOCOL.sshsig`) in its armour, as `ssh-keygen -Y verify` takes it. The namespace says what was signed, so that a signature for one purpose is none for
 *  another. */
export async function signMessage(signer: Signer, namespace: string, message: Uint8Array): Promise<string> {
  const signature = await signer.sign(signedData(namespace, 'sha512', message))
  const writer = new WireWriter().raw(magic).uint32(format).string(keyBlob(signer.publicKey)).string(namespace)
  const base64 = writer.string('').string('sha512').string(signature).finish().toString('base64')
  const lines = base64.match(new RegExp(`.{1,${lineCharacters}}`, 'g')) ?? []
  return [begin, ...lines, end, ''].join('\n')
}

/** The key that signed `message` in this namespace. Throws when it did not, or what is given is no such signature. Whether that key is trusted, `judge` says, before the signature is looked at:
 *  one by an RSA key of 16,384 bits takes 23 ms of the event loop (measured), and anybody can send it. */
export function signerOfMessage(
  armour: string,
  namespace: string,
  message: Uint8Array,
  judge: (key: PublicKey) => void = () => undefined
): PublicKey {
  const reader = new WireReader(withoutArmour(armour), 'signature')
  if (!reader.raw(magic.length, 'magic').equals(magic)) throw reader.refusal('not an SSHSIG')
  const version = reader.uint32('version')
  if (version !== format) throw reader.refusal(`version ${version} is not known`)
  const key = parsePublicKey(reader.string('public key'))
  const signedFor = reader.text('namespace')
  reader.string('reserved')
  const hash = reader.text('hash algorithm')
  const signature = reader.string('signature')
  reader.end()
  if (signedFor !== namespace) throw reader.refusal(`made for ${JSON.stringify(signedFor.slice(0, 80))}, not for ${namespace}`)
  if (hash !== 'sha512' && hash !== 'sha256') throw reader.refusal('the hash must be sha512 or sha256')
  judge(key)
  if (!isSignedBy(key, signedData(namespace, hash, message), signature)) throw reader.refusal('does not match the message')
  return key
}

function signedData(namespace: string, hash: 'sha512' | 'sha256', message: Uint8Array): Buffer {
  return new WireWriter().raw(magic).string(namespace).string('').string(hash).string(createHash(hash).update(message).digest()).finish()
}

function withoutArmour(armour: string): Buffer {
  const refused = new WireReader(Buffer.alloc(0), 'signature')
  const text = armour.replaceAll('\r\n', '\n').trim()
  if (text.length > armourCharactersMax) throw refused.refusal(`longer than ${armourCharactersMax} characters`)
  if (!text.startsWith(`${begin}\n`) || !text.endsWith(`\n${end}`)) throw refused.refusal(`must stand between ${begin} and ${end}`)
  return decodeBase64(text.slice(begin.length, -end.length).replaceAll('\n', ''), 'signature')
}

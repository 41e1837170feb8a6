import type { KeyObject } from 'node:crypto'
import { Secret } from 'mayfly/plugin'
import { publicPart } from './key-object.ts'
import { openSshBegin, openSshEnd, openSshMagic } from './openssh-key.ts'
import { keyBlob, writeKeyFields } from './public-key.ts'
import type { PublicKey } from './public-key.ts'
import { WireWriter } from './wire-writer.ts'

const lineCharacters = 70
// That of the cipher `none`.
const blockBytes = 8

/** The file of an OpenSSH private key, to be written with mode 0600 from its first byte. `check`: four random bytes, by which a wrong passphrase would be noticed if there were one. */
export function writeOpenSshKey(key: KeyObject, comment: string, check: Uint8Array): Secret<string> {
  const publicKey = publicPart(key)
  const writer = new WireWriter().raw(openSshMagic).string('none').string('none').string('').uint32(1).string(keyBlob(publicKey))
  const base64 = writer
    .string(privatePart(key, publicKey, comment, check))
    .finish()
    .toString('base64')
  const lines = base64.match(new RegExp(`.{1,${lineCharacters}}`, 'g')) ?? []
  return new Secret([openSshBegin, ...lines, openSshEnd, ''].join('\n'))
}

function privatePart(key: KeyObject, publicKey: PublicKey, comment: string, check: Uint8Array): Buffer {
  const writer = new WireWriter().raw(check).raw(check).string(publicKey.type)
  writePrivateFields(writer, key, publicKey)
  const part = writer.string(comment).finish()
  const padding = Uint8Array.from({ length: (blockBytes - (part.length % blockBytes)) % blockBytes }, (_, at) => at + 1)
  return Buffer.concat([part, padding])
}

function writePrivateFields(writer: WireWriter, key: KeyObject, publicKey: PublicKey): void {
  const jwk = key.export({ format: 'jwk' })
  const part = (name: 'd' | 'p' | 'q' | 'qi'): Buffer => Buffer.from(jwk[name] ?? '', 'base64url')
  if (publicKey.type === 'ssh-ed25519') writer.string(publicKey.point).string(Buffer.concat([part('d'), publicKey.point]))
  // Here the modulus comes first, in a public key the exponent.
  else if (publicKey.type === 'ssh-rsa') {
    writer.mpint(publicKey.n).mpint(publicKey.e)
    for (const name of ['d', 'qi', 'p', 'q'] as const) writer.mpint(part(name))
  } else writeKeyFields(writer, publicKey).mpint(part('d'))
}

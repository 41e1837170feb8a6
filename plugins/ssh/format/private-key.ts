import { createPrivateKey, sign, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { BrokerError } from 'mayfly/plugin'
import { publicPart } from './key-object.ts'
import { isOpenSshKey, readOpenSshKey } from './openssh-key.ts'
import { keyObject } from './public-key.ts'

// An RSA key of 16,384 bits has 13,000 characters.
const textCharactersMax = 16_384

/** A private key without passphrase, as `ssh-keygen` or `openssl` writes it. No message quotes what was read. */
export function parsePrivateKey(text: string): KeyObject {
  if (text.length > textCharactersMax) throw refusal(`longer than ${textCharactersMax} characters`)
  const trimmed = text.replaceAll('\r\n', '\n').trim()
  if (!trimmed.startsWith('-----BEGIN ')) throw refusal('must be PEM: a file that begins with -----BEGIN')
  const key = isOpenSshKey(trimmed) ? readOpenSshKey(trimmed) : readPem(trimmed)
  requireWhole(key)
  return key
}

function readPem(text: string): KeyObject {
  // In the first line (PKCS#8) or in a header below it.
  if (/^-----BEGIN ENCRYPTED |^Proc-Type: .*ENCRYPTED/m.test(text)) throw refusal('has a passphrase: remove it first (ssh-keygen -p)')
  try {
    return createPrivateKey(text)
  } catch {
    throw refusal('not a private key that can be read')
  }
}

/** Both halves belong together: with a wrong factor in an RSA key, its first signature gives the key away. */
function requireWhole(key: KeyObject): void {
  const publicKey = keyObject(publicPart(key))
  const hash = key.asymmetricKeyType === 'ed25519' ? null : 'sha512'
  try {
    const probe = Buffer.from('mayfly')
    if (verify(hash, probe, publicKey, sign(hash, probe, key))) return
  } catch {
    // OpenSSL found it out by itself.
  }
  throw refusal('its two halves do not belong together')
}

function refusal(reason: string): BrokerError {
  return new BrokerError('invalid_request', `private key: ${reason}`)
}

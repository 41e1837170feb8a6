import { BrokerError } from 'mayfly/plugin'
import { decodeBase64 } from './base64.ts'
import { isKeyType, keyBlob, parsePublicKey } from './public-key.ts'
import type { PublicKey } from './public-key.ts'

export interface KeyLine {
  readonly key: PublicKey
  /** As sent, for people only. It may hold anything printable. */
  readonly comment: string
}

// An RSA key of 16,384 bits has 2,800 characters.
const lineCharactersMax = 8192

/** One line as in `id_ed25519.pub`: type, base64, comment. Clients send the whole file, so one newline at the end is normal; the bare base64 is what older clients of the wire send. */
export function parseKeyLine(text: string): KeyLine {
  if (text.includes('PRIVATE KEY'))
    throw refusal('this is a private key: send the .pub file, and make a new key pair, since this one has travelled')
  if (text.length > lineCharactersMax) throw refusal(`longer than ${lineCharactersMax} characters`)
  const line = text.trim()
  if (line === '') throw refusal('empty')
  if (/[\r\n]/.test(line)) throw refusal('one key is expected, on one line')
  if (/\p{Cc}/u.test(line.replaceAll('\t', ' '))) throw refusal('control characters in the line')
  const [first = '', second, ...comment] = line.split(/[ \t]+/)
  if (second !== undefined && (isKeyType(second) || !/^[a-z0-9@.-]+$/.test(first)))
    throw refusal('options before the key type are not accepted')
  if (second === undefined) return { key: parsePublicKey(decodeBase64(first, 'public key')), comment: '' }
  return { key: typedKey(first, second), comment: comment.join(' ') }
}

/** `comment` must be one line: the caller's own text, never a client's. */
export function writeKeyLine(key: PublicKey, comment = ''): string {
  if (/[^\x20-\x7e]/.test(comment)) throw refusal('a comment is printable ASCII on one line')
  return `${key.type} ${keyBlob(key).toString('base64')}${comment && ` ${comment}`}`
}

/** What tools show is the word, what hosts use is the blob: where the two differ, somebody is being fooled. */
function typedKey(type: string, base64: string): PublicKey {
  const key = parsePublicKey(decodeBase64(base64, 'public key'))
  if (key.type !== type) throw refusal(`the line says ${type}, the key is ${key.type}`)
  return key
}

function refusal(reason: string): BrokerError {
  return new BrokerError('invalid_request', `public key: ${reason}`)
}

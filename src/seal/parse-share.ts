import { BrokerError } from '../contracts/index.ts'

// The 32 bytes of an unseal key, and the x.
const shareLength = 33
const hex = /^[0-9a-f]{66}$/i
const base64 = /^[A-Za-z0-9+/_-]+={0,2}$/

/** A share as an operator types it. 33 bytes are 66 digits in hex and 44 in base64, so no text is both. The text is never repeated. */
export function parseShare(text: string): Uint8Array {
  const trimmed = text.trim()
  if (!base64.test(trimmed)) throw new BrokerError('invalid_request', "'key' must be a valid hex or base64 string")
  const share = new Uint8Array(Buffer.from(trimmed, hex.test(trimmed) ? 'hex' : 'base64'))
  if (share.length !== shareLength) throw new BrokerError('invalid_request', `invalid key: a key share has ${shareLength} bytes`)
  return share
}

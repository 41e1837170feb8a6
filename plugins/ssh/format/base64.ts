import { BrokerError } from 'mayfly/plugin'

/** RFC 4648 section 4 in its one form. `Buffer.from` takes anything: it skips what it does not know, and two texts would be one key. */
export function decodeBase64(text: string, what: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (text === '' || bytes.toString('base64') !== text) throw new BrokerError('invalid_request', `${what}: not base64`)
  return bytes
}

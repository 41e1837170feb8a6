import { BrokerError } from 'mayfly/plugin'

const keyIdBytesMax = 255

/** sshd writes the key id raw into its log, and hands it to programs as an argument: a newline would forge log lines, a leading dash would be an option, and `#` and outer blanks
 *  cannot be written in a KRL specification. */
export function requireKeyId(keyId: string): void {
  if (keyId.length > keyIdBytesMax) throw refusal(`longer than ${keyIdBytesMax} bytes`)
  if (!/^[A-Za-z0-9]/.test(keyId)) throw refusal('must begin with a letter or a digit')
  if (!/^[\x20-\x22\x24-\x7e]+$/.test(keyId)) throw refusal('only printable ASCII without # is accepted')
  if (keyId.endsWith(' ')) throw refusal('must not end with a blank')
}

function refusal(reason: string): BrokerError {
  return new BrokerError('invalid_request', `key_id: ${reason}`)
}

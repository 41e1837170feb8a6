import { BrokerError } from 'mayfly/plugin'
import type { CertificateFields } from './certificate.ts'
import type { PublicKey } from './public-key.ts'
import { requireSourceAddress } from './source-address.ts'

type Options = ReadonlyMap<string, string>
type OptionFields = Pick<CertificateFields, 'kind' | 'key' | 'criticalOptions' | 'extensions'>

const valuedOptions: ReadonlySet<string> = new Set(['force-command', 'source-address'])
const criticalFlags: ReadonlySet<string> = new Set(['verify-required'])
/** A flag with any value makes sshd refuse the whole certificate. */
const extensionFlags: ReadonlySet<string> = new Set([
  'no-touch-required',
  'permit-X11-forwarding',
  'permit-agent-forwarding',
  'permit-port-forwarding',
  'permit-pty',
  'permit-user-rc'
])
const nameBytesMax = 255
const valueBytesMax = 4096

/** The rules of critical options and extensions: names in the section where sshd looks for them, values where it expects them. A critical option among the extensions would be
 *  ignored without a word: `force-command` there is a full shell. */
export function requireOptions({ kind, key, criticalOptions, extensions }: OptionFields): void {
  if (kind === 'host' && criticalOptions.size > 0) throw refusal('critical_options', 'clients refuse a host certificate that has any')
  for (const [name, value] of criticalOptions) requireCriticalOption(name, value, key)
  for (const [name, value] of extensions) requireExtension(name, value)
  requireValues('critical_options', criticalOptions)
  requireValues('extensions', extensions)
}

function requireCriticalOption(name: string, value: string, key: PublicKey): void {
  const field = fieldOf('critical_options', name)
  if (extensionFlags.has(name)) throw refusal(field, 'this is an extension, no critical option')
  if (criticalFlags.has(name)) {
    if (value !== '') throw refusal(field, 'this is a flag: its value must be empty')
    // On another key sshd takes the certificate and asks for nothing.
    if (!key.type.startsWith('sk-')) throw refusal(field, `only a FIDO key can be verified, this is ${key.type}`)
    return
  }
  if (!valuedOptions.has(name)) throw refusal(field, 'sshd does not know it and would refuse the certificate')
  if (name === 'source-address') requireSourceAddress(value)
  if (value === '') throw refusal(field, 'must not be empty')
}

function requireExtension(name: string, value: string): void {
  const field = fieldOf('extensions', name)
  if (valuedOptions.has(name) || criticalFlags.has(name))
    throw refusal(field, 'this is a critical option: sshd ignores it among the extensions')
  if (extensionFlags.has(name) && value !== '') throw refusal(field, 'this is a flag: its value must be empty')
}

function requireValues(section: string, options: Options): void {
  for (const [name, value] of options) {
    if (name.length > nameBytesMax || !/^[\x21-\x2b\x2d-\x7e]+$/.test(name))
      throw refusal(fieldOf(section, name), 'is no name of an option')
    if (Buffer.byteLength(value) > valueBytesMax) throw refusal(fieldOf(section, name), `longer than ${valueBytesMax} bytes`)
    if (/\p{Cc}|\p{Cs}/u.test(value)) throw refusal(fieldOf(section, name), 'control characters are not accepted')
  }
}

const fieldOf = (section: string, name: string): string =>
  `${section}.${/^[\w.@-]{1,80}$/.test(name) ? name : JSON.stringify(name.slice(0, 80))}`

function refusal(field: string, reason: string): BrokerError {
  return new BrokerError('invalid_request', `${field}: ${reason}`)
}

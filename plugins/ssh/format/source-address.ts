import { BrokerError } from 'mayfly/plugin'
import { parseAddress } from './address.ts'

/** A comma list of addresses and networks as sshd reads it. It is strict about host bits and blanks, and a list that it cannot read refuses every login: say it here. */
export function requireSourceAddress(list: string): void {
  if (list === '') throw refusal('empty: name at least one address or network')
  for (const entry of list.split(',')) requireNetwork(entry)
}

function requireNetwork(entry: string): void {
  const [text = '', length, more] = entry.split('/')
  const address = parseAddress(text)
  if (!address || more !== undefined)
    throw refusal(`${quoted(entry)} is no address or network in its one form, such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32`)
  if (length === undefined) return
  const bits = address.length * 8
  if (!/^(0|[1-9][0-9]{0,2})$/.test(length) || Number(length) > bits)
    throw refusal(`${quoted(entry)} has no prefix length from 1 to ${bits}`)
  if (length === '0') throw refusal(`${quoted(entry)} is every address: leave the option out`)
  if (hasHostBits(address, Number(length))) throw refusal(`${quoted(entry)} has bits set behind the prefix: sshd refuses it`)
}

function hasHostBits(address: Uint8Array, length: number): boolean {
  return address.some((byte, at) => {
    const kept = Math.min(8, Math.max(0, length - at * 8))
    return (byte & (0xff >> kept)) !== 0
  })
}

const quoted = (entry: string): string => JSON.stringify(entry.slice(0, 80))

function refusal(reason: string): BrokerError {
  return new BrokerError('invalid_request', `critical_options.source-address: ${reason}`)
}

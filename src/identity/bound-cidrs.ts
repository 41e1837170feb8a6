import { BlockList, isIP } from 'node:net'
import { BrokerError } from '../contracts/index.ts'

// Each use of the token looks through all of them.
const boundCidrsMax = 64

interface Network {
  readonly address: string
  readonly family: 'ipv4' | 'ipv6'
  readonly bits: number
}

/** The addresses from which a token may be used. Those of a bound maker bind what it makes as well, or a stolen bound token would make itself a free one. */
export function boundCidrs(asked: readonly string[], makers: readonly string[], field = 'token_bound_cidrs'): readonly string[] {
  if (asked.length > boundCidrsMax) throw refusal(field, `at most ${boundCidrsMax}`)
  const networks = asked.map(text => parse(text, field))
  if (networks.length === 0) return makers
  const outer = makers.map(text => parse(text, field))
  if (outer.length > 0 && !networks.every(network => outer.some(bound => contains(bound, network))))
    throw refusal(field, 'must lie within those of the parent')
  return networks.map(({ address, bits }) => `${address}/${bits}`)
}

function parse(text: string, field: string): Network {
  const [address = '', bits, ...more] = text.split('/')
  const version = isIP(address)
  const longest = version === 4 ? 32 : 128
  const length = bits === undefined ? longest : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN
  // A zone names an interface of this host, and means nothing in an address that comes from the wire.
  if (version === 0 || address.includes('%') || more.length > 0 || !(length <= longest))
    throw refusal(field, 'expected addresses such as 10.0.0.0/8 or 2001:db8::/32')
  return { address, family: version === 4 ? 'ipv4' : 'ipv6', bits: length }
}

function contains(outer: Network, inner: Network): boolean {
  if (outer.family !== inner.family || outer.bits > inner.bits) return false
  const list = new BlockList()
  list.addSubnet(outer.address, outer.bits, outer.family)
  return list.check(inner.address, inner.family)
}

function refusal(field: string, message: string): BrokerError {
  return new BrokerError('invalid_request', `${field}: ${message}`)
}

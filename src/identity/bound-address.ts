import { BlockList, isIPv4 } from 'node:net'
import type { Token } from '../store/token.ts'

/** Bound addresses count at every use, except for a root token without an end. */
export function addressAllowed(token: Token, address: string): boolean {
  if (token.policies.includes('root') && token.expiresAt === null) return true
  return addressWithin(token.boundCidrs, address)
}

/** No networks at all: from anywhere. */
export function addressWithin(cidrs: readonly string[], address: string): boolean {
  if (cidrs.length === 0) return true
  const allowed = new BlockList()
  for (const cidr of cidrs) {
    const [network = '', bits] = cidr.split('/')
    const family = isIPv4(network) ? 'ipv4' : 'ipv6'
    allowed.addSubnet(network, bits === undefined ? (family === 'ipv4' ? 32 : 128) : Number(bits), family)
  }
  const plain = address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/, '')
  return allowed.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6')
}

import { BlockList, isIP } from 'node:net'

/** Addresses at which no target lives, and at which a cloud answers with its keys. */
const forbidden = new BlockList()
forbidden.addSubnet('0.0.0.0', 8, 'ipv4')
forbidden.addSubnet('169.254.0.0', 16, 'ipv4')
forbidden.addAddress('100.100.100.200', 'ipv4')
forbidden.addSubnet('224.0.0.0', 3, 'ipv4')
forbidden.addAddress('::', 'ipv6')
forbidden.addSubnet('fe80::', 10, 'ipv6')
forbidden.addSubnet('ff00::', 8, 'ipv6')
forbidden.addAddress('fd00:ec2::254', 'ipv6')
forbidden.addAddress('fd20:ce::254', 'ipv6')
// The same link-local IPv4 addresses behind NAT64 and 6to4.
forbidden.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6')
forbidden.addSubnet('2002:a9fe::', 32, 'ipv6')

/** Checked when it is written, and again when a name has become an address. */
export function isForbiddenAddress(address: string): boolean {
  const family = isIP(address.split('%')[0] ?? '')
  return family !== 0 && forbidden.check(address.split('%')[0]!, family === 4 ? 'ipv4' : 'ipv6')
}

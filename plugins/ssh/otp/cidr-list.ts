import { isIPv4, isIPv6, BlockList } from 'node:net'

/** What is wrong with a comma list of networks, if anything. */
export function cidrListMistake(list: string): string | undefined {
  for (const entry of entries(list)) if (!parsed(entry)) return `${JSON.stringify(entry.slice(0, 64))} is no network such as 10.0.0.0/8`
  return undefined
}

/** Whether the address, itself and not its text, lies in one of these networks. */
export function isInCidrList(address: string, list: string): boolean {
  const blocks = new BlockList()
  for (const entry of entries(list)) {
    const network = parsed(entry)
    if (network) blocks.addSubnet(network.address, network.length, network.family)
  }
  return blocks.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}

function parsed(entry: string) {
  const [address = '', length = '', more] = entry.split('/')
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : undefined
  const bits = family === 'ipv4' ? 32 : 128
  if (!family || more !== undefined || !/^\d{1,3}$/.test(length) || Number(length) > bits) return undefined
  return { address, length: Number(length), family } as const
}

function entries(list: string): readonly string[] {
  return list
    .split(',')
    .map(entry => entry.trim())
    .filter(entry => entry !== '')
}

/** The bytes of an address that is written in its one form (RFC 5952 for IPv6), else undefined. IPv4 inside IPv6 is none: sshd sees such a peer as IPv4, so it would never match. */
export function parseAddress(text: string): Uint8Array | undefined {
  if (!text.includes(':')) return dottedQuad(text)
  // The URL parser knows every spelling and prints the one.
  if (!/^[0-9a-f:]{2,39}$/.test(text) || URL.parse(`http://[${text}]/`)?.hostname !== `[${text}]`) return undefined
  const bytes = hextets(text)
  return bytes.subarray(0, 10).every(byte => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff ? undefined : bytes
}

function dottedQuad(text: string): Uint8Array | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every(part => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255)) return undefined
  return Uint8Array.from(parts, Number)
}

function hextets(text: string): Uint8Array {
  const [head = '', tail] = text.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => '0'), ...after]
  return Uint8Array.from(groups.flatMap(group => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]))
}

/** The y coordinates of the eight points of small order, little-endian, the sign bit of x cleared. */
const smallOrder: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'
])

// 2^255 - 19, whose multiples y + p would be second spellings of a key.
const primeLowByte = 0xed

/** Why these 32 bytes are no Ed25519 key, or undefined. With a key of small order anybody can make signatures that OpenSSH accepts (measured: `ssh-keygen -Y verify` calls the zero
 *  signature good), so a certificate for one is a certificate for everybody. Whether x exists is not asked: it costs more than a signature, and a key without it signs nothing. */
export function notAPoint(point: Buffer): string | undefined {
  const y = Buffer.from(point)
  y[31] = (y[31] ?? 0) & 0x7f
  if (smallOrder.has(y.toString('hex'))) return 'the point is of small order: anybody can sign for it'
  const aboveAll = y[31] === 0x7f && y.subarray(1, 31).every(byte => byte === 0xff) && (y[0] ?? 0) >= primeLowByte
  return aboveAll ? 'the point is not written in its one form' : undefined
}

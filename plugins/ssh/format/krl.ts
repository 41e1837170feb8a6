/** A key revocation list: `PROTOCOL.krl` 1.7, what sshd reads at `RevokedKeys` and ssh at `RevokedHostKeys`.
 *
 * It has no length and no checksum: cut between two sections it is well-formed and revokes less, cut to nothing it revokes nothing. So it travels with an SSHSIG, and whoever installs
 * it checks that first. `encode-krl.ts` writes it, `parse-krl.ts` reads it, `krl-check.ts` asks it what sshd asks it. */
import type { PublicKey } from './public-key.ts'
import type { SerialRange } from './serial-ranges.ts'

export interface Krl {
  /** Only grows: a host refuses to go back. */
  readonly version: bigint
  /** Seconds. */
  readonly generatedAt: bigint
  readonly certificates: readonly RevokedCertificates[]
  /** Keys that are dead as they are. That of a CA kills all that it has signed. */
  readonly keys: readonly PublicKey[]
  /** SHA-256 of plain keys: kills the key and, whoever signed them, its certificates. */
  readonly fingerprints: readonly Buffer[]
}

export interface RevokedCertificates {
  /** Undefined: certificates of every CA. */
  readonly ca: PublicKey | undefined
  /** Ascending, apart from each other: see `serialRanges`. */
  readonly serials: readonly SerialRange[]
  /** For certificates of which nobody knows the serial. */
  readonly keyIds: readonly string[]
}

export const krlMagic = Buffer.from('SSHKRL\n\0')
export const krlFormat = 1

export const section = { certificates: 1, explicitKey: 2, fingerprintSha256: 5 } as const
export const certificateSection = { serialList: 0x20, serialRange: 0x21, serialBitmap: 0x22, keyId: 0x23 } as const

// SSHBUF_MAX_BIGNUM. With one bit more sshd cannot read the list, and lets nobody in at all.
export const bitmapBitsMax = 16_384
// What a host downloads at most. Half a million scattered serials.
export const krlBytesMax = 4 * 1024 * 1024

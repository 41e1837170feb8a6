/** What protects the barrier's root key. A seal never sees data: it wraps 32 bytes, so changing it (rekey, another seal) rewrites one row and nothing else.
 *
 *  `shamir` waits for operators: shares come in through `sys/unseal`. Every other seal opens by itself and is an `AutoSeal`. */
export type SealKind = 'shamir' | 'key_file'

/** A seal that opens without operators: a key file; later a cloud KMS, another Mayfly's transit. */
export interface AutoSeal {
  readonly kind: Exclude<SealKind, 'shamir'>
  /** Makes what the seal needs (a key file). Called only while the store is not initialised, so that later a missing key is an error and never a new key.
   *  Repeatable; durable when it resolves. */
  prepare(signal: AbortSignal): Promise<void>
  /** Rejects with `sealed` when the key cannot be reached or must not be trusted. */
  wrap(rootKey: Uint8Array, signal: AbortSignal): Promise<Uint8Array>
  /** As `wrap`; rejects with `integrity` when the key is not the one that wrapped these bytes. The caller zeroes the result. */
  unwrap(wrapped: Uint8Array, signal: AbortSignal): Promise<Uint8Array>
  /** Gives the seal a new key, where it is the seal's to give. `wrapped` is what the store holds now. The new key is durable beside the old one before `keep` stores what it has
   *  wrapped, and only when `keep` has resolved does the old one go: at every moment between, `unwrap` opens what the store holds. */
  renew?(rootKey: Uint8Array, wrapped: Uint8Array, keep: (wrapped: Uint8Array) => Promise<void>, signal: AbortSignal): Promise<void>
}

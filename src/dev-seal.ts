import type { AutoSeal } from './contracts/index.ts'

/** The seal of a broker in memory: there is nothing on a disk to protect. */
export class DevSeal implements AutoSeal {
  readonly kind = 'key_file'

  prepare(): Promise<void> {
    return Promise.resolve()
  }

  wrap(rootKey: Uint8Array): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(rootKey))
  }

  unwrap(wrapped: Uint8Array): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(wrapped))
  }
}

import type { Signer } from '../format/signer.ts'

/** A certificate whose key is in this process and nowhere else. */
export interface HeldCertificate {
  readonly blob: Buffer
  readonly signer: Signer
  readonly lease: string
  readonly mount: string
  readonly role: string
  readonly principals: readonly string[]
  readonly serial: string
  /** Milliseconds of the epoch. */
  readonly madeAt: number
  readonly until: number
}

// sshd looks at the time when it is shown one: a moment later it may be over.
const leftMsMin = 5_000

/** A third of its life is left for whoever starts now. */
export function isFresh({ madeAt, until }: HeldCertificate, now: number): boolean {
  return until - now > Math.max(leftMsMin, (until - madeAt) / 3)
}

import type { Signer } from '../format/signer.ts'

/** A certificate with what signs by its key. */
export interface HeldCertificate {
  readonly blob: Buffer
  readonly signer: Signer
  readonly lease: string
  readonly mount: string
  readonly role: string
  /** Its id at the broker, where that says one. */
  readonly issuer?: string
  readonly principals: readonly string[]
  readonly extensions: readonly string[]
  readonly serial: string
  /** Milliseconds of the epoch. */
  readonly madeAt: number
  readonly until: number
}

// sshd looks at the time when it is shown one: a moment later it may be over.
const leftMsMin = 5_000

/** From then on who starts gets another: a third of its life is left. */
export function freshUntil({ madeAt, until }: HeldCertificate): number {
  return until - Math.max(leftMsMin, (until - madeAt) / 3)
}

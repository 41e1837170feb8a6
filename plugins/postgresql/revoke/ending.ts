import type { BrokerError, RevokedUser } from 'mayfly/plugin'
import { oidOf } from '../users/oid.ts'

/** How far the end of one user has come. Each step of a revocation leaves alone what has failed or waits. */
export interface Ending {
  readonly user: RevokedUser
  /** Learnt with the issue, or at the first step by name and mark. */
  oid: number | undefined
  /** Seen, and proven ours, at the first step. */
  present: boolean
  /** This user alone: it may still give access. */
  failed: BrokerError | undefined
  /** No login, no session; what keeps it from being dropped, and when to look again. */
  waits: { readonly why: string; readonly seconds: number } | undefined
}

export const newEnding = (user: RevokedUser): Ending => ({
  user,
  oid: oidOf(user.handle),
  present: false,
  failed: undefined,
  waits: undefined
})

/** Ours, there, and to be worked on. */
export const isOpen = (ending: Ending): boolean => ending.present && !ending.failed && !ending.waits

export const oidsOf = (endings: readonly Ending[]): readonly number[] => endings.flatMap(({ oid }) => (oid === undefined ? [] : [oid]))

import type { BrokerError, JsonObject, RevokedUser } from 'mayfly/plugin'

/** How far the end of one user has come. Each step of a revocation leaves alone what has failed or waits. */
export interface Ending {
  readonly user: RevokedUser
  /** Learnt with the issue; nothing when the broker never learnt them. */
  readonly hosts: readonly string[] | undefined
  /** Its accounts, found and proven ours at the first step. */
  accounts: readonly string[]
  /** Its making is over: nothing that was sent before can make it again. */
  made: boolean
  /** Somebody else's, or not to be told apart from it: not touched at all. */
  foreign: boolean
  /** This user alone: it may still give access. */
  failed: BrokerError | undefined
  /** No login, no session; what keeps it from being dropped, and when to look again. */
  waits: { readonly why: string; readonly seconds: number } | undefined
}

export const newEnding = (user: RevokedUser): Ending => ({
  user,
  hosts: hostsOf(user.handle),
  accounts: [],
  made: user.createBy === undefined,
  foreign: false,
  failed: undefined,
  waits: undefined
})

/** Ours, there, and to be worked on. */
export const isOpen = (ending: Ending): boolean => ending.accounts.length > 0 && !ending.failed && !ending.waits

export function hostsOf({ hosts }: JsonObject): readonly string[] | undefined {
  return Array.isArray(hosts) && hosts.length > 0 && hosts.every(host => typeof host === 'string') ? hosts : undefined
}

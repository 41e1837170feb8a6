import type { FaultProxy } from '../targets/fault-proxy.ts'
import type { Api } from './api.ts'

export interface CrashTarget extends AsyncDisposable {
  /** The path that issues, such as `database/creds/app`. Its leases live for two seconds. */
  readonly credentials: string
  prepare(api: Api): Promise<void>
  /** Further lines of the broker's configuration. */
  readonly config?: readonly string[]
  /** Between broker and target, where moments on the wire are asked for. */
  readonly proxy?: FaultProxy
  /** How long what is left may take to be removed, where that is more than a few statements. */
  readonly removedMsMax?: number
  /** How often to look at what is left, where a look takes the target's time from those that remove it. */
  readonly lookMs?: number
  /** Names of what carries the broker's mark in the target. */
  leftovers(): Promise<readonly string[]>
}

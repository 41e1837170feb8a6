import type { BackendContext } from 'mayfly/plugin'
import type { Accounts } from './account/accounts.ts'
import type { MadeKeys } from './root/made-keys.ts'

/** What every path and every kind of credential works with: the mount's context, and the accounts that it reaches. */
export interface Engine {
  readonly context: BackendContext
  readonly accounts: Accounts
  readonly madeKeys: MadeKeys
}

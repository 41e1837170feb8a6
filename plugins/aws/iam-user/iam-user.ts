import type { CredentialKind } from '../role/credential-kind.ts'
import { createUser } from './create-user.ts'
import { listUsers } from './list-users.ts'
import { observeUsers } from './observe-users.ts'
import { planUser } from './plan-user.ts'
import { renewUser } from './renew-user.ts'
import { Endings } from './endings.ts'
import { revokeUsers } from './revoke-users.ts'
import { userMistakes, userWarnings } from './user-rules.ts'

/** A user of IAM with one access key, for what cannot use sessions. */
export const iamUser: CredentialKind = {
  type: 'iam_user',
  mistakes: userMistakes,
  warnings: userWarnings,
  plan: planUser,
  credential(engine) {
    const endings = new Endings(engine.context.clock)
    return {
      issue: (call, signal) => createUser(engine, call, signal),
      renew: (call, signal) => renewUser(engine, call, signal),
      revoke: (call, signal) => revokeUsers(engine, endings, call, signal),
      now: async (target, signal) => (await engine.accounts.at(target)).now(signal),
      list: (target, signal) => listUsers(engine, target, signal),
      observe: (target, handles, signal) => observeUsers(engine, target, handles, signal)
    }
  }
}

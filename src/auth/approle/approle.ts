import { BrokerError } from '../../contracts/index.ts'
import type { AuthContext, AuthMethodType, LoggedIn, MountReader, RenewalTerms } from '../../contracts/index.ts'
import { loginPath } from './login.ts'
import { readRole } from './role.ts'
import { rolePaths } from './role-paths.ts'
import { secretIdPaths } from './secret-id-paths.ts'
import { settingPaths } from './setting-paths.ts'
import { tidyTasks } from './tidy.ts'

/** Machines log in with two halves: a role id, which says who, and a secret id, which proves it. The halves come to the machine by two ways.
 *
 *  Rows of a mount, sealed: `role/<name>`; `role-id/<hash>` leads to the name; `secret/<role>/<hash>` is a secret id, with the uses that are left beside it;
 *  `accessor/<role>/<accessor>` leads to its hash; `expiry/<moment>/…` finds what has ended. `<role>` is an id that no later role of the same name has. */
export const approle: AuthMethodType = {
  type: 'approle',
  open: async (context: AuthContext) => ({
    // All of its names are roles'.
    paths: [loginPath(context), ...rolePaths(context), ...settingPaths, ...secretIdPaths(context)].map(path => ({
      ...path,
      caseless: true
    })),
    tasks: tidyTasks(context),
    renew,
    [Symbol.asyncDispose]: async () => undefined
  })
}

/** The role as it is now. One that was made anew after the login is another one. */
async function renew({ metadata, issuedAt }: LoggedIn, storage: MountReader): Promise<RenewalTerms> {
  const name = metadata['role_name'] ?? ''
  const stored = await readRole(storage, name)
  if (!stored || stored.role.created > issuedAt.epochMilliseconds)
    throw new BrokerError('invalid_lease', `role "${name}" does not exist any more: log in again`)
  const { token_ttl, token_max_ttl, token_period } = stored.role.settings
  return { ttl: token_ttl, maxTtl: token_max_ttl, period: token_period }
}

import type { Invocation } from './invocation.ts'
import { UsageError } from './usage-error.ts'

/** Where the policy lives that was named. */
export function policyRoute({ typed }: Invocation): string {
  return routeOfPolicy(typed.arg(0, 'name'), 'name')
}

/** A name may have slashes, and leads nowhere else for all that. `from`: where it was typed. */
export function routeOfPolicy(name: string, from: string): string {
  if (name.split('/').some(part => part === '' || part === '.' || part === '..'))
    throw new UsageError(`${from}: expected the name of a policy, such as shop or team/shop`)
  return `sys/policies/acl/${name}`
}

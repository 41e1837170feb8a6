import type { Invocation } from './invocation.ts'
import { UsageError } from './usage-error.ts'

/** Where the policy lives that was named. A name is one segment: a slash in it would be another route. */
export function policyRoute({ typed }: Invocation): string {
  const name = typed.arg(0, 'name')
  if (name.includes('/')) throw new UsageError('name: a policy has no slash in its name')
  return `sys/policies/acl/${name}`
}

import type { User } from '@aws-sdk/client-iam'
import type { Engine } from '../engine.ts'
import type { Handle } from './frozen.ts'
import { markedLease } from './mark.ts'
import { leasePart } from '../sts/session-name.ts'

/** Whether this is the very user of the handle, and not one that somebody made under its name: by the id that AWS gave it, or, where the broker never heard that, by its mark. */
export function isSameUser(engine: Engine, account: string, handle: Handle, lease: string | undefined, user: User | undefined): boolean {
  if (!user || user.UserName?.toLowerCase() !== handle.name.toLowerCase()) return false
  if (handle.userId !== undefined) return user.UserId === handle.userId
  const marked = markedLease(engine.context, { account, name: handle.name }, user.Tags ?? [])
  return marked !== undefined && (lease === undefined || marked === leasePart(lease))
}

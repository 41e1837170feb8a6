import { BrokerError, Secret } from 'mayfly/plugin'
import type { BackendContext, CredentialType, Json, RevokedLease, RevokeOutcome, TargetId } from 'mayfly/plugin'
import { withFaults } from './faults.ts'
import { addUser, prolongUser, removeUsers, usersOf } from './target.ts'

export type Handle = { readonly name: string }

/** How the names of users begin: without a mark, this is all that tells them from others. */
export const namePrefix = 'm-'

/** A user of the target with a password. `fileOf` finds the file of a target in the mount's sealed rows, at each call. */
export function userCredential(context: BackendContext, fileOf: (target: TargetId) => Promise<string>): CredentialType<Handle> {
  const { clock, random } = context
  // Only this broker can compute it, and for this name alone.
  const markOf = (name: string): string => Buffer.from(context.mac(`memory user ${name}`)).toString('base64url')

  return {
    async issue({ target, handle, createBy, until }, signal) {
      const file = await fileOf(target)
      const password = Buffer.from(random.bytes(15)).toString('base64url')
      await withFaults(file, 'issue', signal, () => {
        // The target's clock is the broker's: both are on one machine.
        if (isLater(clock.now(), createBy)) throw new BrokerError('target_refused', 'the time to create the user has passed')
        addUser(file, { name: handle.name, mark: markOf(handle.name), until }, password)
      })
      return { secret: new Secret({ username: handle.name, password }), handle }
    },

    async renew({ target, handle, until }, signal) {
      const file = await fileOf(target)
      const there = await withFaults(file, 'renew', signal, () => prolongUser(file, handle.name, until))
      if (!there) throw new BrokerError('target_refused', 'the user is gone')
    },

    async revoke({ target, leases }, signal) {
      const file = await fileOf(target)
      const readable = leases
        .filter(({ handle }) => isHandle(handle))
        .map(({ handle }) => ({ name: handle.name, mark: markOf(handle.name) }))
      const found = [...(await withFaults(file, 'revoke', signal, () => removeUsers(file, readable)))]
      return leases.map(lease => (isHandle(lease.handle) ? outcomeOf(found.shift()!, lease) : failed('the handle names no user')))
    },

    now: async () => clock.now(),

    async *list(target) {
      const users = usersOf(await fileOf(target))
      for (const { name, mark, enabled, until } of users)
        if (mark === markOf(name)) yield { name, enabled, handle: { name }, until }
        else if (mark !== '') yield { name, enabled, marked: 'foreign' }
        else if (name.startsWith(namePrefix)) yield { name, enabled, marked: 'missing' }
    }
  }

  function outcomeOf(found: 'removed' | 'absent' | 'foreign', { createBy }: RevokedLease): RevokeOutcome {
    if (found === 'foreign') return failed('a user of this name is not ours')
    // Not there *yet*: whoever was told to create it may still do so until then.
    if (found === 'absent' && createBy && !isLater(clock.now(), createBy))
      return { kind: 'ended', again: createBy.add({ milliseconds: 1 }), waiting: 'the user may still be created' }
    return { kind: 'gone' }
  }
}

const failed = (message: string): RevokeOutcome => ({ kind: 'failed', error: new BrokerError('target_refused', message) })
const isLater = (a: Temporal.Instant, b: Temporal.Instant): boolean => Temporal.Instant.compare(a, b) > 0
const isHandle = (handle: Json): boolean => typeof (handle as Partial<Handle> | null)?.name === 'string'

import { BrokerError, unhandled } from 'mayfly/plugin'
import type { DatabaseDriver, OwnedObjects } from 'mayfly/plugin'
import type { Role, RoleFields } from './role.ts'

const policies = ['reassign', 'drop', 'keep'] as const
// PostgreSQL's. What is behind it would be cut in silence, and another role get the objects.
const nameBytesMax = 63

type Written = Pick<Role, 'ownedObjects' | 'reassignTo'>

/** `owned_objects` and `reassign_to` of a role, merged: who names somebody for the objects means that they are reassigned. */
export function mergedOwned(fields: RoleFields, stored: Written | undefined): Written {
  const sent = fields.owned_objects ?? (fields.reassign_to ? 'reassign' : undefined)
  const ownedObjects = sent === undefined ? (stored?.ownedObjects ?? null) : readPolicy(sent)
  // Another policy ends the one that was: it names nobody.
  const reassignTo = fields.reassign_to ?? (ownedObjects === 'reassign' ? stored?.reassignTo : null) ?? null
  if (ownedObjects === 'reassign' && !reassignTo)
    throw refusal('reassign_to: needed with owned_objects "reassign": the role that gets the objects')
  if (ownedObjects !== 'reassign' && reassignTo) throw refusal('reassign_to: only with owned_objects "reassign"')
  return { ownedObjects, reassignTo: reassignTo ? readName(reassignTo) : null }
}

/** What a revocation is told; frozen with the lease. */
export function ownedObjectsOf({ ownedObjects, reassignTo }: Written): OwnedObjects {
  if (ownedObjects === 'reassign' && reassignTo) return { policy: 'reassign', to: reassignTo }
  return { policy: ownedObjects === 'drop' ? 'drop' : 'keep' }
}

/** A policy that the server's users cannot have would be a promise that nobody keeps. */
export function refuseUnknownOwned(driver: DatabaseDriver, role: Written): void {
  const { policy } = ownedObjectsOf(role)
  if (policy !== 'keep' && !driver.ownedObjects?.includes(policy))
    throw refusal(
      `owned_objects: the driver ${driver.name} knows ${(driver.ownedObjects ?? ['keep']).map(one => `"${one}"`).join(', ')} only`
    )
}

/** What a policy costs that an operator may not think of. A view reads, and a function may run, with the rights of its owner: whoever made it chose what it does. */
export function ownedWarnings(role: Written): readonly string[] {
  switch (role.ownedObjects) {
    case 'drop':
      return ['owned_objects: what a user of this role owns is dropped when it is revoked, tables with their rows included']
    case 'reassign':
      return [
        'reassign_to: views and functions that a user made have the rights of this role from then on: name one that may no more than the users'
      ]
    case 'keep':
    case null:
      return []
    default:
      return unhandled(role.ownedObjects)
  }
}

function readPolicy(text: string): OwnedObjects['policy'] | null {
  if (text === '') return null
  const policy = policies.find(one => one === text)
  if (!policy) throw refusal('owned_objects: expected "reassign", "drop" or "keep"')
  return policy
}

function readName(name: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (Buffer.byteLength(name) > nameBytesMax || /[\u0000-\u001f\u007f]/.test(name))
    throw refusal(`reassign_to: expected the name of a role, at most ${nameBytesMax} bytes`)
  return name
}

const refusal = (message: string): BrokerError => new BrokerError('invalid_request', message)

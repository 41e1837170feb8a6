import { BrokerError } from '../../contracts/index.ts'
import { addressAllowed } from '../../identity/bound-address.ts'
import type { Parts } from '../parts.ts'
import type { Identity, WireRequest } from './request.ts'

// Longer than any token of ours; what is longer is not hashed at all.
const tokenCharsMax = 512

/** Who asks. One refusal for a missing, unknown, expired, ended or misplaced token: 403 `permission denied`, never why. Reads token, ancestors and the version
 *  of mounts and policies at once; a node whose copy is older reloads before it decides. */
export async function authenticate(parts: Parts, request: WireRequest): Promise<Identity> {
  if (request.token === undefined || request.token.length > tokenCharsMax) throw denied()
  const { token, generation } = await parts.store.authenticate(tokenHash(parts, request.token), parts.clock.now())
  await refresh(parts, generation)
  if (!token || !addressAllowed(token, request.remoteAddress)) throw denied()
  return { token, acl: parts.policies.acl(token.policies) }
}

export async function refresh(parts: Parts, generation: number): Promise<void> {
  await reach(parts.policies, generation)
  await reach(parts.mounts, generation)
}

/** This node's own of what the store counts the changes of. */
interface Copy {
  readonly generation: number
  load(): Promise<void>
}

const readings = new WeakMap<Copy, Promise<void>>()

/** Whoever asks at once shares one reading: of a hundred requests under way each would read and compile all policies again (measured: 45 times, for seconds). Of two one began after
 *  the change. */
async function reach(copy: Copy, generation: number): Promise<void> {
  for (let tries = 0; tries < 2 && copy.generation < generation; tries++) {
    const reading = readings.get(copy) ?? copy.load().finally(() => readings.delete(copy))
    readings.set(copy, reading)
    await reading
  }
}

/** Tokens are stored and looked up by this hash, keyed by the barrier. */
export function tokenHash(parts: Pick<Parts, 'barrier'>, token: string): string {
  return parts.barrier.macHex('token', token)
}

export function denied(): BrokerError {
  return new BrokerError('permission_denied', 'permission denied')
}

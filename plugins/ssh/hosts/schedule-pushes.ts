import { BrokerError } from 'mayfly/plugin'
import type { BackendContext, MountReader, MountStorage } from 'mayfly/plugin'

export const pushKrl = 'push-krl'
export const hostKeyRow = (name: string): string => `host-keys/${name}`

// Each is a connection with every list that is published.
const reachedMax = 500

/** To all hosts that the broker reaches itself, with every list that is published: which is as often as its date is made fresh. */
export async function schedulePushes(context: BackendContext, storage: MountStorage): Promise<void> {
  for (const name of await storage.list(hostKeyRow(''), { limit: reachedMax })) schedulePush(context, storage, name)
}

export function schedulePush({ clock }: BackendContext, storage: MountStorage, name: string): void {
  storage.schedule(pushKrl, name, clock.now(), { host: name })
}

/** One more would never be told of a list, and every revocation would wait for it. */
export async function refuseTooManyReached(storage: MountReader): Promise<void> {
  if ((await storage.list(hostKeyRow(''), { limit: reachedMax })).length >= reachedMax)
    throw new BrokerError('invalid_request', `too many hosts that the broker reaches itself: at most ${reachedMax} of one mount`)
}

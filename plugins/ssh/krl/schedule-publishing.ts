import type { BackendContext, MountStorage } from 'mayfly/plugin'

export const publishKrl = 'publish-krl'
export const publishKey = 'krl'

/** The list is made anew as soon as this is committed. */
export function schedulePublishing({ clock }: BackendContext, storage: MountStorage): void {
  storage.schedule(publishKrl, publishKey, clock.now(), null)
}

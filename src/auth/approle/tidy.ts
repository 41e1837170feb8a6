import type { AuthContext, LoginStorage, MountStorage, Task } from '../../contracts/index.ts'
import type { Role } from './role.ts'
import { accessorKey, secretIdKey } from './secret-id.ts'

// Each run is one commit, of three statements a secret id.
const batchSizeMax = 500

// Secret ids that end within the same ten minutes are tidied together: a task for each would be as many rows again.
const bucketMs = 600_000

/** After these have ended. What has ended gives nothing from that moment on; this only makes room. */
export function tidyAfter(storage: LoginStorage, expires: number): void {
  const end = (Math.floor(expires / bucketMs) + 1) * bucketMs
  storage.schedule('tidy', String(end), Temporal.Instant.fromEpochMilliseconds(end), {})
}

export function tidyNow({ clock }: AuthContext, storage: LoginStorage): void {
  storage.schedule('tidy', 'now', clock.now(), {})
}

/** The rows of a role that was deleted. */
export function sweepRole({ clock }: AuthContext, storage: LoginStorage, { id }: Role): void {
  storage.schedule('sweep', id, clock.now(), { id })
}

export function tidyTasks({ clock }: Pick<AuthContext, 'clock'>): Readonly<Record<string, Task>> {
  const outcome = (more: boolean) => (more ? ({ again: clock.now() } as const) : ({ done: true } as const))
  return {
    tidy: { run: async (_, storage) => outcome(await removeExpired(storage, clock.now().epochMilliseconds)) },
    sweep: { run: async (intent, storage) => outcome(await removeAll(storage, intent as { readonly id: string })) }
  }
}

async function removeExpired(storage: MountStorage, now: number): Promise<boolean> {
  const keys = await storage.list('expiry/', { limit: batchSizeMax })
  const expired = keys.filter(key => Number(key.slice(0, key.indexOf('/'))) <= now)
  for (const key of expired) {
    const [, id = '', hash = '', accessor = ''] = key.split('/')
    storage.remove(secretIdKey({ id }, hash))
    storage.remove(accessorKey({ id }, accessor))
    storage.remove(`expiry/${key}`)
  }
  return expired.length === batchSizeMax
}

/** What expires is found by `tidy` too: its own rows stay until then. */
async function removeAll(storage: MountStorage, { id }: { readonly id: string }): Promise<boolean> {
  let more = false
  for (const prefix of [`secret/${id}/`, `accessor/${id}/`]) {
    const keys = await storage.list(prefix, { limit: batchSizeMax })
    for (const key of keys) storage.remove(prefix + key)
    more ||= keys.length === batchSizeMax
  }
  return more
}

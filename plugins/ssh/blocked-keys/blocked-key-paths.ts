import { field, path } from 'mayfly/plugin'
import type { Path } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { schedulePublishing } from '../krl/schedule-publishing.ts'
import { readBlockedKey } from './blocked-keys.ts'

/** `blocked_keys`: public keys that are never signed again, by the SHA-256 of the key in hex. */
export function blockedKeyPaths({ context, blockedKeys }: Engine): readonly Path[] {
  return [
    path({
      pattern: 'blocked_keys',
      summary: 'public keys that are not signed',
      fields: { after: field.text(), limit: field.integer() },
      list: async ({ fields: { after = '', limit = -1 } }, storage) => ({
        keys: await storage.list('blocked-keys/', { after, ...(limit < 1 ? {} : { limit }) })
      })
    }),
    path({
      pattern: 'blocked_keys/:hash',
      summary: 'a public key that is not signed',
      read: async ({ params }, storage) => {
        const blocked = await readBlockedKey(storage, params['hash'] ?? '')
        if (!blocked) return undefined
        const { why, at, fingerprint } = blocked
        return { data: { why, fingerprint, since: Temporal.Instant.fromEpochMilliseconds(at * 1_000).toString() } }
      },
      delete: async ({ params: { hash = '' } }, storage) => {
        if (!(await readBlockedKey(storage, hash))) return undefined
        blockedKeys.remove(hash, storage)
        schedulePublishing(context, storage)
        return undefined
      }
    })
  ]
}

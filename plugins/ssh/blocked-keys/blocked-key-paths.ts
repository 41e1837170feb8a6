import { field, path } from 'mayfly/plugin'
import type { Path } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { schedulePublishing } from '../krl/schedule-publishing.ts'
import { blockedKey } from './blocked-key.ts'
import type { BlockedKey } from './blocked-key.ts'

/** `blocked_keys`: public keys that are never signed again, by the SHA-256 of the key in hex. */
export function blockedKeyPaths({ context }: Engine): readonly Path[] {
  return [
    path({
      pattern: 'blocked_keys',
      summary: 'public keys that are not signed',
      fields: { after: field.text(), limit: field.integer() },
      list: async ({ fields: { after = '', limit = -1 } }, storage) => ({
        keys: await storage.list(blockedKey(''), { after, ...(limit < 1 ? {} : { limit }) })
      })
    }),
    path({
      pattern: 'blocked_keys/:hash',
      summary: 'a public key that is not signed',
      read: async ({ params }, storage) => {
        const stored = await storage.get(blockedKey(params['hash'] ?? ''))
        if (!stored) return undefined
        const { why, at, fingerprint } = stored.value as BlockedKey
        return { data: { why, fingerprint, since: Temporal.Instant.fromEpochMilliseconds(at * 1_000).toString() } }
      },
      delete: async ({ params }, storage) => {
        const stored = await storage.get(blockedKey(params['hash'] ?? ''))
        if (!stored) return undefined
        storage.remove(blockedKey(params['hash'] ?? ''), stored.version)
        schedulePublishing(context, storage)
        return undefined
      }
    })
  ]
}

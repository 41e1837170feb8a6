import { denied } from '../../broker/door/authenticate.ts'
import { corePath } from '../../broker/door/core-path.ts'
import type { Call, CorePath } from '../../broker/door/core-path.ts'
import type { Mount } from '../../broker/mounts/mount.ts'
import type { Outcome } from '../../broker/door/request.ts'
import { BrokerError } from '../../contracts/index.ts'
import type { JsonObject } from '../../contracts/index.ts'
import { reaches } from '../../policy/reaches.ts'
import { resultantAcl } from '../../policy/resultant-acl.ts'
import { mountEntry } from './mount-entry.ts'

/** What command lines and user interfaces ask before they ask anything else. */
export const internalPaths: readonly CorePath[] = [
  corePath({ pattern: 'internal/ui/mounts', summary: 'the mounts that the caller can use', open: true, read: usableMounts }),
  // No policy grants it by name, and every client with a token asks it: the handler wants a token, and an access to the mount.
  corePath({ pattern: 'internal/ui/mounts/*path', summary: 'the mount that serves a path', open: true, read: servingMount }),
  corePath({
    pattern: 'internal/ui/resultant-acl',
    summary: 'all that the caller may do',
    read: async ({ identity }) => ({ data: { ...resultantAcl(identity.acl) } })
  })
]

async function usableMounts(call: Call<unknown>): Promise<Outcome> {
  const shown = call.parts.mounts.all.flatMap(mount => {
    const entry = seen(call, mount)
    return entry ? [{ path: mount.record.path, entry }] : []
  })
  const auth = shown.filter(({ path }) => path.startsWith('auth/')).map(({ path, entry }) => [path.slice('auth/'.length), entry] as const)
  const secret = shown.filter(({ path }) => !path.startsWith('auth/')).map(({ path, entry }) => [path, entry] as const)
  return { data: { auth: Object.fromEntries(auth), secret: Object.fromEntries(secret) } }
}

/** Everything to whom the ACL lets reach it; a mount that says so, in three keys, to everybody. */
function seen({ identity, parts }: Call<unknown>, mount: Mount): JsonObject | undefined {
  if (identity.token && reaches(identity.acl, mount.record.path)) return mountEntry(mount, parts.settings.version)
  if (mount.record.config.listing_visibility !== 'unauth') return undefined
  return { type: mount.record.type, description: mount.record.description, options: mount.record.options ?? null }
}

/** The same refusal for a mount that is not there and for one that the caller cannot reach. */
async function servingMount({ parts, identity, params }: Call<unknown>): Promise<Outcome> {
  if (!identity.token) throw denied()
  const asked = `${params['path']}/`
  const mount = parts.mounts.at(asked)?.mount
  if (!mount || !reaches(identity.acl, mount.record.path))
    throw new BrokerError(
      'permission_denied',
      `preflight capability check returned 403, please ensure client's policies grant access to path "${asked}"`
    )
  return { data: { ...mountEntry(mount, parts.settings.version), path: mount.record.path.replace(/^auth\//, '') } }
}

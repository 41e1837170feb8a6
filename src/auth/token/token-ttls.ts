import type { Parts } from '../../broker/parts.ts'
import type { TokenTtls } from '../../identity/token-lifetime.ts'

/** As the mount `auth/token/` is tuned, the system's where it is not. */
export function tokenTtls(parts: Pick<Parts, 'mounts'>): TokenTtls {
  const found = parts.mounts.at('auth/token')
  if (!found) throw new Error('auth/token/ is not mounted')
  return parts.mounts.ttls(found.mount.record)
}

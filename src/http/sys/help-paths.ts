import { denied } from '../../broker/door/authenticate.ts'
import { listed } from '../../broker/door/authorize.ts'
import { corePath } from '../../broker/door/core-path.ts'
import type { Call, CorePath } from '../../broker/door/core-path.ts'
import type { Outcome } from '../../broker/door/request.ts'
import type { Router } from '../../broker/door/router.ts'
import { BrokerError } from '../../contracts/index.ts'
import { reaches } from '../../policy/reaches.ts'
import { mountHelp, pathHelp, rowsAt } from './help-text.ts'
import type { Explained } from './help-text.ts'

/** What `?help=1` asks for, wherever it is asked. As with `internal/ui/mounts` no policy grants it by name: it wants a token, and an access to the mount. Nothing of what lives there is looked at. */
export const helpPaths: readonly CorePath[] = [
  corePath({ pattern: 'internal/help/*path', summary: 'what a path is for, and its fields', open: true, read: help })
]

async function help({ parts, identity, params }: Call<unknown>): Promise<Outcome> {
  if (!identity.token) throw denied()
  const asked = params['path'] ?? ''
  const found = parts.mounts.at(asked)
  if (!found && identity.acl.root) throw new BrokerError('no_route', `no handler for route "${asked}". route entry not found.`)
  // The same refusal for a mount that is not there and for one that the caller cannot reach.
  if (!found || !reaches(identity.acl, found.mount.record.path)) throw new BrokerError('permission_denied', listed('permission denied'))
  const { mount, rest } = found
  const { path, type, description } = mount.record
  if (mount.kind === 'broken') throw new BrokerError('target_unreachable', `the mount ${path} does not serve: ${mount.why}`)
  // The tables differ in what their handlers are given, which nobody asks for here.
  const router = mount.router as unknown as Router<Explained>
  const rows = rowsAt(router, rest)
  if (rest !== '' && rows.length === 0) throw new BrokerError('no_route', listed('unsupported path'))
  const about = description === '' ? `a mount of type ${type}` : `${description} (a mount of type ${type})`
  const text = rest === '' ? mountHelp(path, about, router.rows) : pathHelp(asked, path, rows)
  return { data: { help: text, see_also: null, openapi: null } }
}

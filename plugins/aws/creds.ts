import { BrokerError, path } from 'mayfly/plugin'
import type { Answer, MountStorage, Path, PathRequest } from 'mayfly/plugin'
import { credsFields } from './role/credential-kind.ts'
import type { CredentialKind, CredsFields } from './role/credential-kind.ts'
import type { Engine } from './engine.ts'
import { knownRoot } from './root/known-root.ts'
import { readRole } from './role/role.ts'

/** `creds/:name` and `sts/:name`: two names for one thing, each by a read or a write, because the wire says so. */
export function credsPaths(engine: Engine, kinds: readonly CredentialKind[]): readonly Path[] {
  const issue = (request: PathRequest<CredsFields>, storage: MountStorage, signal: AbortSignal) =>
    plan(engine, kinds, request, storage, signal)
  const summary = 'new keys with the rights of the role'
  return ['creds/:name', 'sts/:name'].map(pattern => path({ pattern, summary, fields: credsFields, read: issue, write: issue }))
}

async function plan(
  engine: Engine,
  kinds: readonly CredentialKind[],
  request: PathRequest<CredsFields>,
  storage: MountStorage,
  signal: AbortSignal
): Promise<Answer> {
  const name = request.params['name'] ?? ''
  const stored = await readRole(storage, name)
  if (!stored) throw new BrokerError('unknown_role', `Role "${name}" not found`)
  const { role, version: roleVersion } = stored
  const kind = kinds.find(({ type }) => type === role.type)
  if (!kind) throw new BrokerError('integrity', `nothing here issues credentials of type ${role.type}`)
  const root = await knownRoot(engine, storage, signal)
  return { issue: await kind.plan(engine, { request, name, role, roleVersion, root, storage }, signal) }
}

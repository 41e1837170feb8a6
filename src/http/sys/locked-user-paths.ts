import { corePath } from '../../broker/door/core-path.ts'
import type { Call, CorePath } from '../../broker/door/core-path.ts'
import type { MountRecord } from '../../broker/mounts/mount.ts'
import type { Outcome } from '../../broker/door/request.ts'
import { BrokerError, field } from '../../contracts/index.ts'

// A list is for people; what is beyond shows when the first are unlocked.
const aliasesMax = 10_000

/** Names that failed logins have locked, and giving them back before their time. */
export const lockedUserPaths: readonly CorePath[] = [
  corePath({
    pattern: 'locked-users',
    summary: 'names that are locked after failed logins, by auth method',
    fields: { mount_accessor: field.text() },
    read: lockedUsers
  }),
  corePath({
    pattern: 'locked-users/:accessor/unlock/*alias',
    summary: 'forgets the failed logins of a name',
    write: unlock
  })
]

async function lockedUsers(call: Call<{ mount_accessor?: string | undefined }>): Promise<Outcome> {
  const wanted = call.fields.mount_accessor
  const methods = authMounts(call).filter(({ accessor }) => wanted === undefined || wanted === '' || accessor === wanted)
  const mount_accessors = methods.flatMap(record => {
    const aliases = call.parts.lockouts.lockedAliases(record)
    if (aliases.length === 0) return []
    return [{ mount_accessor: record.accessor, counts: aliases.length, alias_identifiers: aliases.slice(0, aliasesMax) }]
  })
  const total = mount_accessors.reduce((sum, { counts }) => sum + counts, 0)
  const root = { namespace_id: 'root', namespace_path: '', counts: total, mount_accessors }
  return { data: { by_namespace: [root], total } }
}

/** 204 for a name that is not locked too. */
async function unlock(call: Call<unknown>): Promise<Outcome> {
  const record = authMounts(call).find(({ accessor }) => accessor === call.params['accessor'])
  if (!record) throw new BrokerError('invalid_request', 'no auth method has this accessor')
  call.afterCommit(() => call.parts.lockouts.forget(record, call.params['alias'] ?? ''))
  return undefined
}

function authMounts({ parts }: Call<unknown>): readonly MountRecord[] {
  return parts.mounts.all.filter(({ kind }) => kind === 'auth').map(({ record }) => record)
}

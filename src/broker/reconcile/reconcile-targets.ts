import type { TargetId } from '../../contracts/index.ts'
import type { Parts } from '../parts.ts'

export interface ListedTarget {
  readonly id: TargetId
  /** Its uuid. */
  readonly mount: string
  readonly credential: string
}

/** Every target of this broker, or of one mount: those where something was issued, and those where a store that was restored may only believe that nothing was. */
export async function listedTargets(parts: Parts, mount?: string): Promise<readonly ListedTarget[]> {
  const rows = await parts.store.targets()
  const retired = new Set(rows.filter(row => row.retired).map(({ id }) => id))
  const targets = new Map(rows.filter(row => !row.retired).map(({ id, mount, credential }) => [id, { id, mount, credential }]))
  for (const one of parts.mounts.all) {
    if (one.kind !== 'backend' || !one.backend.targets) continue
    for (const { id, credential } of await configured(parts, one.backend.targets.bind(one.backend), one.record.path))
      if (!retired.has(id) && !targets.has(id)) targets.set(id, { id, mount: one.record.uuid, credential })
  }
  return [...targets.values()].filter(target => mount === undefined || target.mount === mount)
}

/** A backend that cannot tell must not hold up the others. */
async function configured(parts: Parts, targets: () => Promise<readonly { id: TargetId; credential: string }[]>, mount: string) {
  try {
    return await targets()
  } catch (error) {
    parts.log.warn('the targets of a mount could not be told', { mount }, error)
    return []
  }
}

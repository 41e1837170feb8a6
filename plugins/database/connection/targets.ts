import type { BackendContext, TargetId } from 'mayfly/plugin'
import { targetId } from './connection-versions.ts'
import { allKeys } from '../key-list.ts'

/** Every version of every connection that is kept, whether or not a lease was ever begun there. */
export async function allTargets(context: BackendContext): Promise<readonly { readonly id: TargetId; readonly credential: string }[]> {
  const targets: { id: TargetId; credential: string }[] = []
  for (const name of await allKeys(context.storage, 'config/'))
    for (const number of await allKeys(context.storage, `connection/${name}/`))
      targets.push({ id: targetId({ context }, name, number), credential: 'user' })
  return targets
}

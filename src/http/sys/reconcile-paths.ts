import { corePath } from '../../broker/core-path.ts'
import type { CorePath } from '../../broker/core-path.ts'
import type { JsonObject } from '../../contracts/index.ts'
import { refuseUnknown } from './refuse-unknown.ts'

/** `sys/reconcile`: what the targets hold without a lease. */
export const reconcilePaths: readonly CorePath[] = [
  corePath({
    pattern: 'reconcile',
    summary: 'what targets hold without a lease: the last report, or a new one',
    read: async call => {
      refuseUnknown(call)
      const { last } = call.parts.reconciler
      return last && { data: last as unknown as JsonObject }
    },
    write: async call => {
      refuseUnknown(call)
      return { wait: async () => ({ data: (await call.parts.reconciler.run()) as unknown as JsonObject }) }
    }
  })
]

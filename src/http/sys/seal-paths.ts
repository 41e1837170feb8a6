import { corePath } from '../../broker/door/core-path.ts'
import type { CorePath } from '../../broker/door/core-path.ts'

/** The seal of a broker at work. What works without a token (init, unseal, health) is not here. */
export const sealPaths: readonly CorePath[] = [
  corePath({
    pattern: 'seal',
    summary: 'zeroes the keys of this broker',
    sudo: true,
    write: async call => {
      call.afterCommit(call.parts.sealNow)
      return undefined
    }
  }),
  // One node has nobody to step down for.
  corePath({ pattern: 'step-down', summary: 'does nothing: every node is active', sudo: true, write: async () => undefined })
]

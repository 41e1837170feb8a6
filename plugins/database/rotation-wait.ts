import { BrokerError } from 'mayfly/plugin'
import type { TaskWait } from 'mayfly/plugin'

/** Keys of the backend's tasks. Rows of the store name them: never rename one. */
export const rotateRole = 'rotate-role'
export const rotateRoot = 'rotate-root'

/** Answers nothing once the rotation is done, and else says what is true: it goes on, with the password that was chosen. */
export function rotationWait(task: typeof rotateRole | typeof rotateRoot, key: string, otherwise: string): { readonly after: TaskWait } {
  return {
    after: {
      task,
      key,
      async answer(settled) {
        if (settled?.kind === 'done') return undefined
        throw new BrokerError('target_unreachable', `${otherwise}: ${settled?.error ?? 'no answer in time'}`)
      }
    }
  }
}

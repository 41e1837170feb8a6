import { BrokerError } from 'mayfly/plugin'
import type { TaskWait } from 'mayfly/plugin'

/** Keys of the backend's tasks. Rows of the store name them: never rename one. */
export const rotateRole = 'rotate-role'
export const rotateRoot = 'rotate-root'

interface Said {
  readonly goesOn: string
  /** When it was given up. */
  readonly over?: string
  /** Another request's rotation, which this one waited for, may have been given up before this one looked: then there is nothing left to do, and nothing done. */
  readonly isDone?: () => Promise<boolean>
}

/** Answers nothing once the rotation is done, and else says what is true: most go on, with the password that was chosen. */
export function rotationWait(task: typeof rotateRole | typeof rotateRoot, key: string, said: Said): { readonly after: TaskWait } {
  return {
    after: {
      task,
      key,
      async answer(settled) {
        if (settled?.kind === 'done') {
          if (said.isDone && !(await said.isDone()))
            throw new BrokerError('invalid_request', `${said.over}: the rotation that was under way was given up`)
          return undefined
        }
        // Clients repeat what fails on our side, and here that is another rotation.
        if (settled?.over && said.over) throw new BrokerError('invalid_request', `${said.over}: ${settled.error}`)
        throw new BrokerError('target_unreachable', `${said.goesOn}: ${settled?.error ?? 'no answer in time'}`)
      }
    }
  }
}

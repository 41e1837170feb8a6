import type { Task } from 'mayfly/plugin'

/** By their names in the rows: never rename one. */
export const hostTasks: Readonly<Record<string, Task>> = {
  'forget-host-token': {
    async run(intent, storage) {
      storage.remove((intent as { readonly key: string }).key)
      return { done: true }
    }
  }
}

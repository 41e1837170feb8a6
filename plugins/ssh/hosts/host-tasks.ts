import type { Task } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { pushKrlTask } from './push-krl.ts'
import { pushKrl } from './schedule-pushes.ts'

/** By their names in the rows: never rename one. */
export function hostTasks(engine: Engine): Readonly<Record<string, Task>> {
  return {
    [pushKrl]: pushKrlTask(engine),
    'forget-host-token': {
      async run(intent, storage) {
        storage.remove((intent as { readonly key: string }).key)
        return { done: true }
      }
    }
  }
}

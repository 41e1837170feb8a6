import { usersOf } from '../../plugins/memory/target.ts'
import type { CrashTarget } from './crash-run.ts'

export function memoryTarget(file: string): CrashTarget {
  return {
    name: 'memory',
    credentials: 'users/creds/app',
    async prepare(api) {
      await api.must('POST', 'sys/mounts/users', { type: 'memory' })
      await api.must('POST', 'users/config', { path: file })
      await api.must('POST', 'users/roles/app', { default_ttl: '2s', max_ttl: '10s' })
    },
    leftovers: async () => usersOf(file).map(user => user.name)
  }
}

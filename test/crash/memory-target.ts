import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { usersOf } from '../../plugins/memory/target.ts'
import type { CrashTarget } from './crash-target.ts'

export async function memoryTarget(): Promise<CrashTarget> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-crash-target-'))
  const file = join(folder, 'users.db')
  return {
    credentials: 'users/creds/app',
    async prepare(api) {
      await api.must('POST', 'sys/mounts/users', { type: 'memory' })
      await api.must('POST', 'users/config', { path: file })
      await api.must('POST', 'users/roles/app', { default_ttl: '2s', max_ttl: '10s' })
    },
    leftovers: async () => usersOf(file).map(user => user.name),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true })
  }
}

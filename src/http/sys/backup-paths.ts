import { backup } from '../../broker/life/backup.ts'
import { corePath } from '../../broker/door/core-path.ts'
import type { CorePath } from '../../broker/door/core-path.ts'
import { refuseUnknown } from './refuse-unknown.ts'

/** `sys/backup`: the store as a stream, sealed. */
export const backupPaths: readonly CorePath[] = [
  corePath({
    pattern: 'backup',
    summary: 'a backup of the store, sealed, as a stream of bytes',
    sudo: true,
    read: async call => {
      refuseUnknown(call)
      return backup(call)
    }
  })
]

import { DatabaseSync } from 'node:sqlite'
import { BrokerError } from '../../../contracts/index.ts'
import { isBusy, storeError } from '../sqlite-error.ts'
import { lockHolder } from './lock-holder.ts'

/** Held as long as the process lives, and gone with it, however it ends. A small database of its own: the lock of the real one is taken and given back with each
 *  transaction, and could be cancelled by anything that closes a descriptor of that file. `waitMs`: how long the present owner is given to end; SQLite asks again and again, and this thread
 *  does nothing else. */
export function lockFolder(file: string, folder: string, waitMs = 0): DatabaseSync {
  const lock = new DatabaseSync(file, { timeout: waitMs })
  try {
    lock.exec('begin exclusive')
    return lock
  } catch (cause) {
    lock.close()
    if (!isBusy(cause)) throw storeError(`${file} cannot be locked`, cause)
    throw new BrokerError('store_unreachable', `another mayfly uses the folder ${folder}${whoGoesOn(lockHolder(file), waitMs)}`, { cause })
  }
}

function whoGoesOn(pid: number | undefined, waitMs: number): string {
  const who = pid === undefined ? '' : `: process ${pid}`
  return waitMs === 0 ? who : `${who}${who === '' ? ': it' : ', which'} did not end within ${waitMs / 1_000} s`
}

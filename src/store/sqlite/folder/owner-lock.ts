import { DatabaseSync } from 'node:sqlite'
import { BrokerError } from '../../../contracts/index.ts'

/** Held as long as the process lives, and gone with it, however it ends. A small database of its own: the lock of the real one is taken and given back with each
 *  transaction, and could be cancelled by anything that closes a descriptor of that file. */
export function lockFolder(file: string, folder: string): DatabaseSync {
  const lock = new DatabaseSync(file)
  try {
    lock.exec('begin exclusive')
    return lock
  } catch (cause) {
    lock.close()
    throw new BrokerError('store_unreachable', `another mayfly uses the folder ${folder}`, { cause })
  }
}

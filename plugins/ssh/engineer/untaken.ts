import { realpathSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { BrokerError } from 'mayfly/plugin'

/** What was written into the configuration of this home, and ssh knows nothing of. Most often it reads another: ssh asks the list of accounts where its user's home is, and never HOME. `said`: its own words, where it
 *  refused. */
export function untaken(homeDir: string, said: string | undefined): BrokerError {
  const home = homeOfAccount()
  const file = join(homeDir, '.ssh', 'config')
  if (said !== undefined || home === undefined || isSameFolder(home, homeDir))
    return refusal(`ssh does not take it in from ${file}${said === undefined ? '' : ` (${said})`}`)
  const read = join(home, '.ssh', 'config')
  return refusal(
    `ssh reads ${read}, by the list of accounts, and HOME is ${homeDir}`,
    `; call it as HOME=${home} mayfly ssh setup, or use mayfly ssh, which works here too`
  )
}

function homeOfAccount(): string | undefined {
  try {
    return userInfo().homedir
  } catch {
    // An account that is in no list.
    return undefined
  }
}

function isSameFolder(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other)
  } catch {
    return false
  }
}

function refusal(reason: string, remedy = ''): BrokerError {
  return new BrokerError('invalid_request', `${reason}: everything is as it was${remedy}`)
}

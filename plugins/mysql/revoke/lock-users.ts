import { BrokerError } from 'mayfly/plugin'
import { readAccounts } from '../users/accounts.ts'
import { inChunks } from './chunks.ts'
import type { Ending } from './ending.ts'
import { isOpen } from './ending.ts'
import { isAnswer, refusalText } from '../server/errors.ts'
import type { Session } from '../server/session.ts'

/** Step 1: no new login for whoever is proven ours, and read back: an enabling statement that comes late may have unlocked what was locked before. */
export async function lockUsers(
  session: Session,
  endings: readonly Ending[],
  secrets: readonly string[],
  signal: AbortSignal
): Promise<void> {
  const open = endings.filter(isOpen)
  for (const some of inChunks(open, session.kind.statementUsersMax)) {
    try {
      await session.run(lock(some), signal)
    } catch (error) {
      if (!isAnswer(error)) throw error
      for (const one of some) await lockOne(session, one, secrets, signal)
    }
  }
  const names = open.map(({ user }) => user.name)
  const found = await readAccounts(session, names, signal)
  for (const ending of open)
    if (found.get(ending.user.name)?.some(({ locked }) => !locked))
      ending.failed ??= new BrokerError('target_refused', 'the user may still log in')
}

async function lockOne(session: Session, ending: Ending, secrets: readonly string[], signal: AbortSignal): Promise<void> {
  try {
    await session.run(lock([ending]), signal)
  } catch (error) {
    if (!isAnswer(error)) throw error
    ending.failed = new BrokerError('target_refused', `the user could not be locked: ${refusalText(error, secrets)}`)
  }
}

const lock = (endings: readonly Ending[]): string =>
  `alter user if exists ${endings.flatMap(({ accounts }) => accounts).join(', ')} account lock`

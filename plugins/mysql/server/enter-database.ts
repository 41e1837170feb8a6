import { isAnswer } from './errors.ts'
import { quoteIdentifier } from './quote.ts'
import type { Server } from './server.ts'
import type { Session } from './session.ts'

/** For statements of an operator that name no schema. The account need not have a right there: a statement that needs one says so itself. Our own name theirs. */
export async function enterDatabase({ settings }: Pick<Server, 'settings'>, session: Session, signal: AbortSignal): Promise<void> {
  if (settings.database === '') return
  try {
    await session.run(`use ${quoteIdentifier(settings.database)}`, signal)
  } catch (error) {
    if (!isAnswer(error)) throw error
  }
}

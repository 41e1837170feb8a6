import { constants } from 'node:os'
import type { Invocation } from '../invocation.ts'
import { tellError } from '../tell-error.ts'
import { logIn } from './log-in.ts'
import { codeOf, RunFailure } from './run-exit.ts'
import { Signals } from './signals.ts'
import { supervise } from './supervise.ts'
import type { Supervision } from './supervise.ts'

export type RunPlan = Omit<Supervision, 'mayfly' | 'terminal' | 'signals'>

/** Plans, logs in, and stays with the program until it ends. Its code, or why there was none. */
export async function runWith(invocation: Invocation, plan: () => RunPlan | Promise<RunPlan>): Promise<number> {
  const { terminal } = invocation
  using signals = new Signals()
  try {
    const planned = await plan()
    return await supervise({ ...planned, mayfly: await logIn(invocation), terminal, signals })
  } catch (error) {
    // Given up because somebody asked for it.
    if (signals.first !== undefined) return 128 + constants.signals[signals.first]
    terminal.error(error instanceof RunFailure ? error.message : tellError(error, invocation.tokenFrom).text)
    return codeOf(error)
  }
}

import { constants } from 'node:os'
import type { Mayfly } from '../../client/index.ts'
import type { Invocation } from '../invocation.ts'
import { tellError } from '../tell-error.ts'
import { findProgram } from './find-program.ts'
import { logIn } from './log-in.ts'
import { codeOf, RunFailure } from './run-exit.ts'
import { Signals } from './signals.ts'
import { supervise } from './supervise.ts'
import type { Supervision } from './supervise.ts'

export type RunPlan = Omit<Supervision, 'mayfly' | 'terminal' | 'signals'>

/** Plans, and stays with the program until it ends. Its exit code, or why there is none. */
export async function runWith(invocation: Invocation, plan: (mayfly: Mayfly) => Promise<RunPlan>): Promise<number> {
  const { terminal, io } = invocation
  using signals = new Signals(io.env)
  try {
    await using mayfly = await logIn(invocation)
    const planned = await plan(mayfly)
    // So that nothing is issued for what is not there.
    const program = findProgram(planned.program, io.env['PATH'])
    return await supervise({ ...planned, program, mayfly, terminal, signals })
  } catch (error) {
    // Given up because somebody asked for it.
    if (signals.first !== undefined) return 128 + constants.signals[signals.first]
    terminal.error(error instanceof RunFailure ? error.message : tellError(error, invocation.tokenFrom).text)
    return codeOf(error)
  }
}

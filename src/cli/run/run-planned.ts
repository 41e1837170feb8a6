import { join } from 'node:path'
import type { Mayfly } from '../../client/index.ts'
import type { JsonObject, ProgramPlan } from '../../contracts/index.ts'
import type { Invocation } from '../invocation.ts'
import { childEnvironment } from './child-environment.ts'
import { PrivateFolder } from './private-folder.ts'
import { runTimes } from './run-options.ts'
import { runWith } from './run-with.ts'

// The only lease of such a program.
const only = 'it'

/** A plugin's program with its one credential, which ends with it. */
export async function runPlanned(invocation: Invocation, plan: (mayfly: Mayfly) => Promise<ProgramPlan>): Promise<number> {
  const { typed, io } = invocation
  using folder = new PrivateFolder(io.env)
  return await runWith(invocation, async mayfly => {
    const planned = await plan(mayfly)
    const of = (credentials: ReadonlyMap<string, JsonObject>) => credentials.get(only) ?? {}
    return {
      program: planned.program,
      leases: new Map([[only, planned.lease]]),
      ...(planned.fields && { fields: planned.fields }),
      filePaths: [],
      files: credentials =>
        new Map(Object.entries(planned.files?.(of(credentials)) ?? {}).map(([name, text]) => [join(folder.path, name), text])),
      start: credentials => ({
        args: typeof planned.args === 'function' ? planned.args(folder.path) : planned.args,
        env: childEnvironment(io.env, Object.entries(planned.environment(of(credentials), folder.path)), { keepToken: false })
      }),
      // What somebody works in is neither restarted nor told.
      onReplace: 'none',
      verbose: typed.flag('verbose'),
      ...runTimes(typed)
    }
  })
}

import { Denied, NothingThere, Refused } from '../../client/index.ts'
import type { Mayfly } from '../../client/index.ts'
import type { JsonObject, ProgramCommand } from '../../contracts/index.ts'
import type { CliCommand } from '../cli-command.ts'
import { runExitHelp } from '../run/run-exit.ts'
import { runOptions } from '../run/run-options.ts'
import { runPlanned } from '../run/run-planned.ts'

/** A plugin's command that plans a program; what runs programs for everybody runs it. */
export function programCommand(plugin: ProgramCommand): CliCommand {
  const { name, summary, takes, options, details, examples, passesOn } = plugin
  return {
    name,
    summary,
    ...(takes && { takes }),
    options: { ...options, ...runOptions },
    details: `${details === undefined ? '' : `${details}\n\n`}${runExitHelp}`,
    ...(passesOn && { passesOn }),
    examples,
    run: invocation => {
      const { typed, io } = invocation
      return runPlanned(invocation, mayfly =>
        plugin.plan({
          args: typed.args,
          option: name => typed.text(name),
          flag: name => typed.flag(name),
          list: name => typed.list(name),
          env: io.env,
          read: path => readIfAllowed(mayfly, path)
        })
      )
    }
  }
}

async function readIfAllowed(mayfly: Mayfly, path: string): Promise<JsonObject | undefined> {
  try {
    return (await mayfly.read(path)).reveal()
  } catch (error) {
    if (error instanceof NothingThere || (error instanceof Refused && error.status === 404)) return undefined
    if (!(error instanceof Denied)) throw error
    // With a token that is good for nothing it is the token that has to be mended.
    await mayfly.read('auth/token/lookup-self')
    return undefined
  }
}

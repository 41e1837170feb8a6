import { join } from 'node:path'
import { Denied, NothingThere, Refused } from '../../client/index.ts'
import type { Mayfly } from '../../client/index.ts'
import type { JsonObject, PluginCommand } from '../../contracts/index.ts'
import type { CliCommand } from '../cli-command.ts'
import { childEnvironment } from '../run/child-environment.ts'
import { PrivateFolder } from '../run/private-folder.ts'
import { runExitHelp } from '../run/run-exit.ts'
import { runOptions, runTimes } from '../run/run-options.ts'
import { runWith } from '../run/run-with.ts'

// The only lease of such a program.
const only = 'it'

/** A plugin's command: it plans, and what runs programs for everybody runs its. */
export function pluginCommand(plugin: PluginCommand): CliCommand {
  const { name, summary, takes, options, details, examples } = plugin
  return {
    name,
    summary,
    ...(takes && { takes }),
    options: { ...options, ...runOptions },
    details: `${details === undefined ? '' : `${details}\n\n`}${runExitHelp}`,
    examples,
    run: async invocation => {
      const { typed, io } = invocation
      using folder = new PrivateFolder(io.env)
      return await runWith(invocation, async mayfly => {
        const call = {
          args: typed.args,
          env: io.env,
          option: (name: string) => typed.text(name),
          read: (path: string) => readIfAllowed(mayfly, path)
        }
        const planned = await plugin.plan(call)
        const of = (credentials: ReadonlyMap<string, JsonObject>) => credentials.get(only) ?? {}
        return {
          program: planned.program,
          leases: new Map([[only, planned.lease]]),
          filePaths: [],
          files: credentials =>
            new Map(Object.entries(planned.files?.(of(credentials)) ?? {}).map(([name, text]) => [join(folder.path, name), text])),
          start: credentials => ({
            args: planned.args,
            env: childEnvironment(io.env, Object.entries(planned.environment(of(credentials), folder.path)), { keepToken: false })
          }),
          // What somebody works in is neither restarted nor told.
          onReplace: 'none',
          verbose: typed.flag('verbose'),
          ...runTimes(typed)
        }
      })
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

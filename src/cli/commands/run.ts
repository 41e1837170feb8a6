import type { CliCommand } from '../cli-command.ts'
import { childEnvironment } from '../run/child-environment.ts'
import { filesOf, parseNeeds, usesEnvironment, variablesOf } from '../run/needs.ts'
import type { Needs } from '../run/needs.ts'
import { runExitHelp } from '../run/run-exit.ts'
import { runOptions, runTimes } from '../run/run-options.ts'
import { runWith } from '../run/run-with.ts'
import type { OnReplace } from '../run/supervise.ts'
import { UsageError } from '../usage-error.ts'

export const run: CliCommand = {
  name: 'run',
  summary: 'run a program with credentials that end with it',
  takes: { '<command...>': 'behind --, with its arguments' },
  options: {
    '--lease <NAME=path...>': 'a credential, such as DB=database/creds/readonly: DB_USERNAME, DB_PASSWORD and so on in the environment',
    '--env <NAME=template...>': "a variable, such as 'URL=postgres://{{DB.username}}:{{DB.password | url}}@db/app'; or =@file",
    '--file <PATH=template...>': 'a file that only you may read, written at the start and removed at the end; or =@file',
    '--on-replace <how>': 'when no renewal helps any more: restart, signal:HUP (after --file), rewrite (the --file), or none',
    '--overlap <time>': 'how long the credential before stays when files were rewritten (30s)',
    '--kill-after <time>': 'how long a program has to end at a restart (30s)',
    '--keep-token': 'the program gets MAYFLY_TOKEN and the like, if they are set',
    ...runOptions
  },
  details: `A credential that a template names goes only there. The environment can be read by everything that the program starts and
by whoever may look at its process: a --file leaks less.

Without --on-replace files are rewritten, and a program that has a credential in its environment keeps it until its last
end, of which you are warned.

${runExitHelp}`,
  examples: [
    'mayfly run --lease DB=database/creds/readonly -- ./report.sh',
    "mayfly run --lease DB=database/creds/app --env 'URL=postgres://{{DB.username}}:{{DB.password}}@db/app' --on-replace restart -- ./server",
    'mayfly run --lease DB=database/creds/app --file /run/app/db.json=@db.json.template --on-replace signal:HUP -- ./server'
  ],
  run: invocation => {
    const { typed, io } = invocation
    return runWith(invocation, async () => {
      const needs = parseNeeds({ leases: typed.list('lease'), variables: typed.list('env'), files: typed.list('file') })
      const [program = '', ...args] = typed.args
      return {
        program,
        leases: needs.leases,
        filePaths: [...needs.files.keys()],
        files: credentials => filesOf(needs, credentials),
        start: credentials => ({
          args,
          env: childEnvironment(io.env, variablesOf(needs, credentials), { keepToken: typed.flag('keepToken') })
        }),
        onReplace: onReplaceOf(typed.text('onReplace'), needs),
        verbose: typed.flag('verbose'),
        ...runTimes(typed)
      }
    })
  }
}

function onReplaceOf(typed: string | undefined, needs: Needs): OnReplace {
  const said = typed ?? (usesEnvironment(needs) ? 'none' : 'rewrite')
  if (said === 'none' || said === 'restart') return said
  const signal = /^signal:(?:SIG)?(HUP|INT|QUIT|TERM|USR1|USR2|WINCH)$/i.exec(said)?.[1]
  if (said !== 'rewrite' && signal === undefined)
    throw new UsageError('on-replace: expected restart, rewrite, none, or signal: and one of HUP, INT, QUIT, TERM, USR1, USR2, WINCH')
  if (usesEnvironment(needs))
    throw new UsageError(`on-replace: ${said} needs every credential in a --file: the environment of a running program cannot change`)
  return signal === undefined ? 'rewrite' : (`SIG${signal.toUpperCase()}` as NodeJS.Signals)
}

import { parseDuration } from '../../contracts/index.ts'
import type { CliCommand } from '../cli-command.ts'
import { childEnvironment } from '../run/child-environment.ts'
import { findProgram } from '../run/find-program.ts'
import { loginOptions } from '../run/log-in.ts'
import { filesOf, parseNeeds, usesEnvironment, variablesOf } from '../run/needs.ts'
import type { Needs } from '../run/needs.ts'
import { runExitHelp } from '../run/run-exit.ts'
import { runWith } from '../run/run-with.ts'
import type { OnReplace } from '../run/supervise.ts'
import type { Typed } from '../typed.ts'
import { UsageError } from '../usage-error.ts'

export const run: CliCommand = {
  name: 'run',
  summary: 'run a program with credentials that end with it',
  takes: { '<command...>': 'behind --, with its arguments' },
  options: {
    '--lease <NAME=path...>': 'a credential, such as DB=database/creds/readonly: DB_USERNAME, DB_PASSWORD and so on in the environment',
    '--env <NAME=template...>':
      "a variable, such as 'URL=postgres://{{DB.username}}:{{DB.password | url}}@db/app'; @file for a template in a file",
    '--file <PATH=template...>':
      'a file that only you may read, written at the start and removed at the end; @file for a template in a file',
    '--on-replace <how>': 'when no renewal helps any more: restart, signal:HUP (after --file), rewrite (the --file), or none',
    '--ttl <time>': 'in steps of how long a credential is renewed, and so how long it may live when even this command is killed (5m)',
    '--overlap <time>': 'how long the credential before stays when files were rewritten (30s)',
    '--kill-after <time>': 'how long a program has to end at a restart (30s)',
    '--keep-token': 'the program gets MAYFLY_TOKEN and the like, if they are set',
    '--verbose': 'say which leases there are',
    ...loginOptions
  },
  details: `A credential that a template names goes only there. Without --on-replace, files are rewritten, and a program that has a
credential in its environment keeps it until its last end, of which it is warned.

${runExitHelp}`,
  examples: [
    'mayfly run --lease DB=database/creds/readonly -- ./report.sh',
    "mayfly run --lease DB=database/creds/app --env 'DATABASE_URL=postgres://{{DB.username}}:{{DB.password}}@db/app' --on-replace restart -- node server.js",
    'mayfly run --lease DB=database/creds/app --file /run/app/db.json=@db.json.template --on-replace signal:HUP -- ./server'
  ],
  run: invocation =>
    runWith(invocation, () => {
      const { typed, io } = invocation
      const needs = parseNeeds({ leases: typed.list('lease'), variables: typed.list('env'), files: typed.list('file') })
      const [name = '', ...args] = typed.args
      const program = findProgram(name, io.env['PATH'])
      return {
        leases: needs.leases,
        filePaths: [...needs.files.keys()],
        files: credentials => filesOf(needs, credentials),
        start: credentials => ({
          program,
          args,
          env: childEnvironment(io.env, variablesOf(needs, credentials), { keepToken: typed.flag('keepToken') })
        }),
        onReplace: onReplaceOf(typed, needs),
        leaseSeconds: seconds(typed, 'ttl', 300),
        overlapMs: seconds(typed, 'overlap', 30) * 1_000,
        killAfterMs: seconds(typed, 'killAfter', 30) * 1_000,
        verbose: typed.flag('verbose')
      }
    })
}

function onReplaceOf(typed: Typed, needs: Needs): OnReplace {
  const said = typed.text('onReplace') ?? (usesEnvironment(needs) ? 'none' : 'rewrite')
  if (said === 'none' || said === 'restart') return said
  const signal = /^signal:(?:SIG)?(HUP|INT|QUIT|TERM|USR1|USR2|WINCH)$/i.exec(said)?.[1]
  if (said !== 'rewrite' && signal === undefined)
    throw new UsageError('on-replace: expected restart, rewrite, none, or signal: and one of HUP, INT, QUIT, TERM, USR1, USR2, WINCH')
  if (usesEnvironment(needs))
    throw new UsageError(
      `on-replace: ${said} needs every credential in a --file: what is in the environment of a running program cannot change`
    )
  return signal === undefined ? 'rewrite' : (`SIG${signal.toUpperCase()}` as NodeJS.Signals)
}

function seconds(typed: Typed, name: 'ttl' | 'overlap' | 'killAfter', otherwise: number): number {
  const said = typed.text(name)
  if (said === undefined) return otherwise
  const value = /^[\d.]+[a-zµ\d.]*$/.test(said) ? parseDuration(said) : undefined
  if (value === undefined || (value === 0 && name !== 'overlap'))
    throw new UsageError(`${name === 'killAfter' ? 'kill-after' : name}: expected a time such as 90s or 5m`)
  return value
}

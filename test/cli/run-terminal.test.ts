/** `mayfly run` and `mayfly psql` on a terminal: Ctrl-C, and a window that is closed. */
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing } from '../targets/missing.ts'
import { postgresMissing } from '../targets/postgres-binaries.ts'
import { programMissing } from './program-missing.ts'
import { ends, gone, main, RunStage, until } from './run-stage.ts'
import type { Program } from './run-stage.ts'

const role = 'typed'
let stage: RunStage

describe.skipIf(missing(postgresMissing()) || missing(programMissing('python3')) || missing(programMissing('bash')))(
  'on a terminal',
  () => {
    beforeAll(async () => {
      stage = await RunStage.start()
      await stage.role(role, { default_ttl: '10m', max_ttl: '1h' })
    })

    afterAll(() => stage[Symbol.asyncDispose]())

    test('Ctrl-C reaches the program once, which may have another use for it; the credential goes when the program does', async () => {
      const terminal = typedInto(
        'trap "echo interrupted; n=x\\$n; [ \\$n = xxx ] && exit 9" INT; echo "pid $$"; while :; do sleep 0.1; done'
      )
      await terminal.says(/pid \d+/)
      for (let times = 1; times <= 3; times++) {
        expect(await stage.users(role)).toHaveLength(1)
        terminal.type('type \\x03\n')
        await terminal.says(new RegExp(`(interrupted[^]*){${times}}`))
      }
      await terminal.says(/exit 9/)
      await gone(stage, role)
      expect(terminal.out.split('interrupted')).toHaveLength(4)
    })

    test('a program that dies of Ctrl-C ends the credential', async () => {
      const terminal = typedInto('echo "pid $$"; exec sleep 60')
      await terminal.says(/pid \d+/)
      terminal.type('type \\x03\n')
      // The shell gives the line up as well.
      await terminal.ended
      await gone(stage, role)
    })

    test.each([
      ['that ends', 'echo "pid $$"; exec sleep 60'],
      ['that would go on', 'trap "" HUP TERM; echo "pid $$"; while :; do sleep 0.2; done']
    ])('a window that is closed ends a program %s, and its credential', async (_, script) => {
      const terminal = typedInto(script)
      const [, pid] = await terminal.says(/pid (\d+)/)
      expect(await stage.users(role)).toHaveLength(1)
      terminal.type('close\n')
      await ends(Number(pid))
      await gone(stage, role)
    })

    test.skipIf(missing(programMissing('psql')))('a whole session of psql, with a query that is interrupted', async () => {
      const terminal = open(`${process.execPath} ${main} psql ${role}; echo exit $?`)
      await terminal.says(/app_\w+=>/)
      terminal.type('type select pg_sleep(60);\\n\n')
      const sleeping = `select true as here from pg_stat_activity where usename like $1 and wait_event = 'PgSleep'`
      await until(
        () => 'the query',
        async () => (await stage.postgres.query(sleeping, [`v-%-${role}-%`]))[0]?.['here']
      )
      terminal.type('type \\x03\n')
      await terminal.says(/canceling statement due to user request/)
      terminal.type('type select 40 + 2 as answer;\\n\n')
      await terminal.says(/42/)
      terminal.type('type \\\\q\\n\n')
      await terminal.says(/exit 0/)
      await gone(stage, role)
    })
  }
)

function typedInto(script: string): Program {
  return open(`${process.execPath} ${main} run --lease DB=database/creds/${role} -- sh -c '${script}'; echo exit $?`)
}

/** A line in a shell that knows jobs, as people have it. */
function open(line: string): Program {
  return stage.start('python3', [join(import.meta.dirname, 'terminal.py'), 'bash', '--norc', '-ic', line], {
    PAGER: 'cat',
    PSQLRC: '/dev/null'
  })
}

/** What happens to a program when no renewal of its credential helps any more, in each of the ways that it may want. Real seconds: the end is the one of a real server. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing } from '../targets/missing.ts'
import { postgresMissing } from '../targets/postgres-binaries.ts'
import { gone, RunStage, until } from './run-stage.ts'
import type { Program } from './run-stage.ts'

let stage: RunStage

// A renewal after some 5 s reaches no further than the maximum; another credential takes over 3 s before it.
const ttls = { default_ttl: '8s', max_ttl: '11s' }
const times = ['--ttl', '8s', '--overlap', '1s']

describe.skipIf(missing(postgresMissing()))('at the last end of a credential', { concurrent: true }, () => {
  beforeAll(async () => {
    stage = await RunStage.start()
    for (const role of ['restarts', 'rewrites', 'told', 'ending']) await stage.role(role, ttls)
  })

  afterAll(() => stage[Symbol.asyncDispose]())

  test('restart: it is told to end, and starts again with the next one', async () => {
    const program = run(
      'restarts',
      '--on-replace',
      'restart',
      '--',
      'sh',
      '-c',
      'trap "echo bye; exit 1" TERM; echo "user $DB_USERNAME"; while :; do sleep 0.1; done'
    )
    await worksOnlyTheLast(program, 'restarts')
    expect(program.out.split('bye')).toHaveLength(2)
    program.kill('SIGTERM')
    expect(await program.ended).toBe(1)
    await gone(stage, 'restarts')
  })

  test('rewrite: the file holds the next one, and the one before goes on for a while', async () => {
    const file = join(stage.folder, 'rewritten')
    const program = run(
      'rewrites',
      '--file',
      `${file}=user {{DB.username}}`,
      '--',
      'sh',
      '-c',
      `while :; do cat ${file}; echo; sleep 0.2; done`
    )
    await worksOnlyTheLast(program, 'rewrites')
    expect(new Set(program.out.trim().split('\n').slice(0, -1)).size).toBe((await usersSeen(program, 2)).length)
    program.kill('SIGTERM')
    expect(await program.ended).toBe(143)
    await gone(stage, 'rewrites')
    expect(existsSync(file)).toBe(false)
  })

  test('signal: it hears of the next one, and reads it', async () => {
    const file = join(stage.folder, 'told')
    const script = `trap "cat ${file}" USR1; cat ${file}; while :; do sleep 0.1; done`
    const program = run('told', '--on-replace', 'signal:usr1', '--file', `${file}=user {{DB.username}}\n`, '--', 'sh', '-c', script)
    await worksOnlyTheLast(program, 'told')
    program.kill('SIGTERM')
    expect(await program.ended).toBe(143)
    await gone(stage, 'told')
  })

  test('none: it is warned of the end, and goes on without', async () => {
    const program = run('ending', '--', 'sh', '-c', 'echo "user $DB_USERNAME"; read -r line; exit 6')
    await program.says(/warning: the credential of database\/creds\/ending ends at \S+Z and is not replaced: --on-replace says how/)
    await gone(stage, 'ending')
    expect((await usersSeen(program, 1)).length).toBe(1)
    program.type('go\n')
    expect(await program.ended).toBe(6)
  })
})

const run = (role: string, ...args: readonly string[]) => stage.mayfly(['run', ...times, '--lease', `DB=database/creds/${role}`, ...args])

async function worksOnlyTheLast(program: Program, role: string): Promise<void> {
  const [first, second] = await usersSeen(program, 2)
  await until(
    () => `the end of ${first}`,
    async () => ((await stage.users(role)).includes(first!) ? undefined : true)
  )
  expect(await stage.users(role)).toContain(second)
}

async function usersSeen(program: Program, count: number): Promise<readonly string[]> {
  return until(
    () => `${count} users in ${program.out}${program.err}`,
    async () => {
      const seen = new Set([...program.out.matchAll(/user (v-root\S+)/g)].map(([, user]) => user!))
      return seen.size >= count ? [...seen] : undefined
    }
  )
}

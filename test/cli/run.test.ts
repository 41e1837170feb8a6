/** `mayfly run` as it is typed, with a real broker and users of a real PostgreSQL. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { setTimeout as wait } from 'node:timers/promises'
import { missing } from '../targets/missing.ts'
import { postgresMissing } from '../targets/postgres-binaries.ts'
import { Between } from './between.ts'
import { bin, ends, gone, RunStage, until } from './run-stage.ts'

let stage: RunStage

const role = 'runs'
const creds = `database/creds/${role}`

describe.skipIf(missing(postgresMissing()))('mayfly run', () => {
  beforeAll(async () => {
    stage = await RunStage.start()
    await stage.role(role, { default_ttl: '10m', max_ttl: '1h' })
    await stage.api.must('POST', 'sys/auth/approle', { type: 'approle' })
  })

  afterAll(() => stage[Symbol.asyncDispose]())

  test('a program finds its credential in the environment, and it is gone when the program has ended', async () => {
    const { code, out, err } = await ran(['--lease', `DB=${creds}`, '--', 'sh', '-c', 'echo "$DB_USERNAME $DB_PASSWORD"; exit 7'])
    expect(out).toMatch(/^v-root-runs-\w{20}-\d+ [\w-]{20}\n$/)
    expect([code, err]).toEqual([7, ''])
    const [username = '', password = ''] = out.trim().split(' ')
    await expect(stage.postgres.connect({ user: username, password, database: stage.database })).rejects.toThrow(
      'password authentication failed'
    )
    expect(await stage.users(role)).toEqual([])
  })

  test('a program whose PATH leads elsewhere is started all the same, and found where ours leads', async () => {
    const { code, out, err } = await ran(['--lease', `DB=${creds}`, '--env', 'PATH=/nowhere', '--', 'sh', '-c', 'echo "$PATH"'])
    expect([code, out, err]).toEqual([0, '/nowhere\n', ''])
    expect(await stage.users(role)).toEqual([])
  })

  test('the credential works while the program runs', async () => {
    const program = run(['--lease', `DB=${creds}`, '--', 'sh', '-c', 'echo "$DB_USERNAME $DB_PASSWORD ."; read -r line; exit 0'])
    const [, user = '', password = ''] = await program.says(/(\S+) (\S+) \./)
    await using _ = await closing(await stage.postgres.connect({ user, password, database: stage.database }))
    program.type('go\n')
    expect(await program.ended).toBe(0)
    await gone(stage, role)
  })

  test('a template says where a credential goes, and then it goes nowhere else', async () => {
    const file = join(stage.folder, 'db.json')
    const { code, out } = await ran([
      '--lease',
      `DB=${creds}`,
      '--env',
      'URL=postgres://{{DB.username}}:{{ DB.password | url }}@db/app',
      '--file',
      `${file}={"user":"{{DB.username | json}}"}`,
      '--',
      'sh',
      '-c',
      `env | grep -c DB_; echo $URL; cat ${file}; stat -c ' %a' ${file}`
    ])
    expect(out).toMatch(/^0\npostgres:\/\/(v-root-runs-\S+):[\w-]+@db\/app\n\{"user":"\1"\} 600\n$/)
    expect(code).toBe(0)
    expect(existsSync(file)).toBe(false)
  })

  test('the token of the broker does not reach the program, unless it is asked for', async () => {
    const env = { VAULT_TOKEN: stage.api.token, BAO_TOKEN: stage.api.token, MAYFLY_SECRET_ID: 'canary', MAYFLY_TOKEN_FILE: '/x' }
    const { out } = await ran(['--lease', `DB=${creds}`, '--', 'env'], env)
    expect(out).not.toMatch(/TOKEN|SECRET_ID|NODE_COMPILE_CACHE/)
    expect(out).not.toContain(stage.api.token)
    expect(out).toContain('MAYFLY_ADDR=')
    expect((await ran(['--keep-token', '--lease', `DB=${creds}`, '--', 'env'], env)).out).toContain(`VAULT_TOKEN=${stage.api.token}`)
  })

  test('an AppRole that is refused has a code of its own', async () => {
    const { code, err } = await ran(['--role-id', 'nobody', '--lease', `A=${creds}`, '--', 'true'], { MAYFLY_SECRET_ID: 'wrong' })
    expect([code, err]).toEqual([202, 'error: invalid role or secret ID\n'])
  })

  test('a service logs in by itself, and its token ends with it', async () => {
    await stage.api.must('PUT', 'sys/policies/acl/runs', { policy: `path "${creds}" { capabilities = ["read"] }` })
    await stage.api.must('POST', 'auth/approle/role/service', { token_policies: 'runs', token_ttl: '1h' })
    const { data } = await stage.api.must('GET', 'auth/approle/role/service/role-id')
    const { data: secret } = await stage.api.must('POST', 'auth/approle/role/service/secret-id', {})
    const file = join(stage.folder, 'secret-id')
    writeFileSync(file, secret.secret_id, { mode: 0o600 })
    const tokens = async () => (await stage.api.ask('LIST', 'auth/token/accessors')).body?.data?.keys?.length as number
    const before = await tokens()
    const program = run(
      [
        '--role-id',
        data.role_id,
        '--secret-id-file',
        file,
        '--verbose',
        '--lease',
        `DB=${creds}`,
        '--',
        'sh',
        '-c',
        'echo $DB_USERNAME; exit 3'
      ],
      { MAYFLY_TOKEN: '' }
    )
    expect(await program.ended).toBe(3)
    expect(program.out).toMatch(/^v-approle-.*-runs-|^v-approle--runs-/)
    expect(program.err).toMatch(/^DB: database\/creds\/runs\/\w+, until \S+Z\n$/)
    await gone(stage, role)
    expect(await tokens()).toBe(before)
  })

  test('a file that is somebody else’s is neither written nor removed; one that a killed run has left is taken over', async () => {
    const [theirs, left, folder] = ['theirs', 'left', 'folder'].map(name => join(stage.folder, name))
    writeFileSync(theirs!, 'mine', { mode: 0o644 })
    writeFileSync(left!, 'old', { mode: 0o600 })
    mkdirSync(folder!)
    for (const path of [theirs!, folder!]) {
      const { code, err } = await ran(['--lease', `A=${creds}`, '--file', `${path}={{A.username}}`, '--', 'true'])
      expect([code, err]).toEqual([200, `error: file: ${path} is there already, and is no file that you alone may read\n`])
    }
    expect(readFileSync(theirs!, 'utf8')).toBe('mine')
    expect((await ran(['--lease', `A=${creds}`, '--file', `${left!}={{A.username}}`, '--', 'cat', left!])).out).toMatch(/^v-root-runs-/)
    expect(existsSync(left!)).toBe(false)
    expect(statSync(folder!).isDirectory()).toBe(true)
  })

  test.each([
    ['kill -9 $$', 137],
    ['kill -TERM $$', 143],
    ['kill -ABRT $$', 134]
  ])('a program that ends by %s ends the credential too, and the exit code says so', async (line, code) => {
    expect((await ran(['--lease', `DB=${creds}`, '--', 'sh', '-c', line])).code).toBe(code)
    expect(await stage.users(role)).toEqual([])
  })

  test('signals reach the program and what it has started; it ends in its own way', async () => {
    const program = run([
      '--lease',
      `DB=${creds}`,
      '--',
      'sh',
      '-c',
      'trap "echo hup" HUP; trap "echo usr" USR2; trap "echo bye; exit 5" TERM; echo ready; while :; do sleep 0.05; done'
    ])
    await program.says(/ready/)
    program.kill('SIGHUP')
    await program.says(/hup/)
    program.kill('SIGUSR2')
    await program.says(/usr/)
    program.kill('SIGTERM')
    expect(await program.ended).toBe(5)
    expect(program.out).toContain('bye')
    expect(await stage.users(role)).toEqual([])
  })

  test('a program that will not end is ended by the second signal, with all that it has started', async () => {
    const program = run([
      '--lease',
      `DB=${creds}`,
      '--',
      'sh',
      '-c',
      'trap "echo no" TERM; sh -c "trap \\"echo heard\\" TERM; echo \\$\\$ .; while :; do sleep 1; done"; while :; do sleep 1; done'
    ])
    const [, below] = await program.says(/(\d+) \./)
    program.kill('SIGTERM')
    await program.says(/heard/)
    // What comes twice at once is one signal.
    await wait(400)
    program.kill('SIGTERM')
    expect(await program.ended).toBe(137)
    await ends(Number(below))
    expect(await stage.users(role)).toEqual([])
  })

  test('a signal that comes while the credential is on its way leaves none, although the answer comes late', async () => {
    // Between the two, so that the moment is known.
    await using between = await Between.start(stage.api.address, async (path, forward) => {
      const reply = await forward()
      if (path.endsWith(creds)) {
        expect(await stage.users(role)).toHaveLength(1)
        program.kill('SIGINT')
        await wait(300)
      }
      return reply
    })
    const program = run(['--lease', `DB=${creds}`, '--', 'echo', 'started'], { MAYFLY_ADDR: between.address })
    expect([await program.ended, program.out, program.err]).toEqual([130, '', ''])
    expect(await stage.users(role)).toEqual([])
  })

  test('killed itself, it takes the program along, and the credential ends by its own short time', async () => {
    const program = run(['--ttl', '6s', '--lease', `DB=${creds}`, '--', 'sh', '-c', 'echo "$DB_USERNAME $$ ."; exec sleep 60'])
    const [, user = '', child] = await program.says(/(\S+) (\d+) \./)
    const first = await endOf(user)
    await until(
      () => 'a renewal',
      async () => ((await endOf(user)) > first ? true : undefined)
    )
    program.kill('SIGKILL')
    expect(await program.ended).toBe('SIGKILL')
    if (process.platform === 'linux') await ends(Number(child))
    await gone(stage, role)
  })

  test('when what started it was killed, it is as if it had been told to end', async () => {
    const program = stage.start(process.execPath, [
      bin,
      'run',
      '--lease',
      `DB=${creds}`,
      '--',
      'sh',
      '-c',
      'env | grep STARTED; echo "$$ ."; exec sleep 60'
    ])
    const [, child] = await program.says(/(\d+) \./)
    expect(program.out).not.toContain('STARTED')
    program.kill('SIGKILL')
    expect(await program.endedItself).toBe('SIGKILL')
    await ends(Number(child))
    await gone(stage, role)
  })

  test('a broker that is restarted meanwhile is not noticed', async () => {
    const program = run([
      '--ttl',
      '24s',
      '--lease',
      `DB=${creds}`,
      '--',
      'sh',
      '-c',
      'echo "$DB_USERNAME $DB_PASSWORD ."; read -r line; exit 0'
    ])
    const [, user = '', password = ''] = await program.says(/(\S+) (\S+) \./)
    const before = await endOf(user)
    await stage.stopBroker()
    await stage.startBroker()
    await until(
      () => 'a renewal',
      async () => ((await endOf(user)) > before ? true : undefined)
    )
    await using _ = await closing(await stage.postgres.connect({ user, password, database: stage.database }))
    program.type('go\n')
    expect(await program.ended).toBe(0)
    await gone(stage, role)
  })

  test('what cannot be revoked is said, and does not change the exit code', async () => {
    const program = run(['--ttl', '5s', '--lease', `DB=${creds}`, '--', 'sh', '-c', 'echo ready; read -r line; exit 4'])
    await program.says(/ready/)
    await stage.stopBroker()
    program.type('go\n')
    expect(await program.ended).toBe(4)
    expect(program.err).toMatch(
      /warning: the credential of database\/creds\/runs may not be revoked: cannot reach http:\S+: is the server running\? \(MAYFLY_ADDR\); it ends by itself at \S+Z\n$/
    )
    await stage.startBroker()
    await gone(stage, role)
  })
})

/** When the server itself refuses the user, in seconds. */
async function endOf(user: string): Promise<number> {
  const [row] = await stage.postgres.query('select extract(epoch from rolvaliduntil) as at from pg_roles where rolname = $1', [user])
  return Number(row?.['at'])
}

async function closing(session: { end(): Promise<void>; query(sql: string): Promise<unknown> }): Promise<AsyncDisposable> {
  await session.query('select 1')
  return { [Symbol.asyncDispose]: () => session.end().catch(() => undefined) }
}

const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => stage.mayfly(['run', ...args], env)

async function ran(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const program = run(args, env)
  const code = await program.ended
  return { code, out: program.out, err: program.err }
}

/** The main job as a story, on real parts: a database server, a broker on SQLite, a credential that dies on time, a crash in the middle. `npm run demo -- mysql` tells it on MariaDB. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as wait } from 'node:timers/promises'
import { openLines, verifyTrail } from '../../src/audit/verify.ts'
import { Api } from '../crash/api.ts'
import { Child, freePort } from '../crash/child.ts'
import type { DemoDatabase, DemoSession } from './demo-database.ts'
import { demoMysql } from './demo-mysql.ts'
import { demoPostgres } from './demo-postgres.ts'
import { must, story } from './story.ts'

const keep = process.argv.includes('--keep')
const ttlSeconds = 6

interface Stage {
  readonly database: DemoDatabase
  readonly folder: string
  readonly config: string
  readonly api: Api
  broker: Child
}

interface Credential {
  readonly lease: string
  readonly username: string
  readonly password: string
}

const databases = { postgres: demoPostgres, mysql: demoMysql }
const usage = 'npm run demo -- [postgres|mysql|ssh|aws] [--keep]'

async function main(): Promise<void> {
  const known = [...Object.keys(databases), 'ssh', 'aws', '--keep']
  const unknown = process.argv.slice(2).find(word => !known.includes(word))
  if (unknown !== undefined) {
    process.exitCode = unknown === '--help' ? 0 : 2
    return void process.stderr.write(unknown === '--help' ? `${usage}\n` : `no demo knows ${unknown}: ${usage}\n`)
  }
  await using stack = new AsyncDisposableStack()
  await Promise.race([chosen(stack), interrupted])
}

// For as long as it runs: a second Ctrl-C, or the same signal passed on twice, must not stop the cleaning up.
const interrupted = new Promise<void>(resolve => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve())
})

/** `demo`, or one of the other targets: `demo aws`. */
async function chosen(stack: AsyncDisposableStack): Promise<void> {
  if (process.argv.includes('aws')) return await (await import('./aws.ts')).tellAwsStory(stack, stayOrEnd)
  if (process.argv.includes('ssh')) return await (await import('./ssh.ts')).tellSshStory(stack, stayOrEnd)
  return await tellStory(stack)
}

async function stayOrEnd({ api }: { readonly api: Api }, hints: readonly string[]): Promise<void> {
  if (!keep) return story.title('Done. Everything that was started is gone again.')
  story.title('Everything stays up until Ctrl-C. Try next, in another terminal, in this folder:')
  story.sees([`export VAULT_ADDR=${api.address} VAULT_TOKEN=${api.token}`, ...hints].join('\n'))
  await interrupted
}

async function tellStory(stack: AsyncDisposableStack): Promise<void> {
  const stage = await setTheStage(stack)
  await configure(stage)
  const credential = await lend(stage)
  await using session = await holdSession(stage, credential)
  await whoHoldsWhat(stage, credential)
  await itDiesOnTime(stage, credential, session)
  await crashInTheMiddle(stage)
  await whatTheTrailSays(stage)
  if (keep) await stay(stage)
  else story.title('Done. Everything that was started is gone again.')
}

async function setTheStage(stack: AsyncDisposableStack): Promise<Stage> {
  story.title('Mayfly: credentials that die on time')
  story.chapter(1, 'A real database and a broker')
  const database = stack.use(await databaseAskedFor())
  story.good(`${database.name} listens on ${database.host}:${database.port}`)
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-demo-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const port = await freePort()
  const config = join(folder, 'mayfly.yaml')
  await writeFile(
    config,
    [
      `listener: { address: 127.0.0.1:${port}, tls: off }`,
      'storage: { sqlite: { path: ./data } }',
      'seal: { key_file: ./seal.key }',
      'audit: [{ type: file, path: ./audit.jsonl }]',
      'log_level: error',
      ''
    ].join('\n')
  )
  const api = new Api(`http://127.0.0.1:${port}`)
  const stage: Stage = { database, folder, config, api, broker: Child.start(config) }
  stack.defer(() => stage.broker[Symbol.asyncDispose]())
  await stage.broker.serving(api.address)
  api.token = (await api.must('PUT', 'sys/init', {})).root_token
  story.good(`Mayfly serves on ${api.address}: leases in SQLite, unsealed by a key file`)
  return stage
}

/** `npm run demo -- mysql`; nothing: PostgreSQL. */
async function databaseAskedFor(): Promise<DemoDatabase> {
  return await databases[process.argv.includes('mysql') ? 'mysql' : 'postgres']()
}

async function configure({ api, database }: Stage): Promise<void> {
  story.chapter(2, 'Set up, as any client of the Vault HTTP API would')
  const { admin, pluginName, connectionUrl } = database
  story.does('mayfly secrets enable database')
  await api.must('POST', 'sys/mounts/database', { type: 'database' })
  story.does(
    `mayfly write database/config/shop plugin_name=${pluginName} allowed_roles=readonly username=${admin.user} password=… connection_url='${connectionUrl}'`
  )
  const configured = await api.must('POST', 'database/config/shop', {
    plugin_name: pluginName,
    allowed_roles: ['readonly'],
    connection_url: connectionUrl,
    username: admin.user,
    password: admin.password
  })
  for (const warning of configured?.warnings ?? []) story.says(`warning: ${warning}`)
  story.does(`mayfly write database/roles/readonly db_name=shop member_of=app_ro default_ttl=${ttlSeconds}s`)
  await api.must('POST', 'database/roles/readonly', { db_name: 'shop', member_of: ['app_ro'], default_ttl: `${ttlSeconds}s` })
}

async function lend({ api }: Stage): Promise<Credential> {
  story.chapter(3, 'A credential')
  story.does('mayfly read database/creds/readonly')
  const { lease_id: lease, lease_duration, data } = await api.must('GET', 'database/creds/readonly')
  story.sees(
    `username   ${data.username}\npassword   ${'•'.repeat(String(data.password).length)}\nlease      ${lease}\nlives for  ${lease_duration} s`
  )
  return { lease, username: data.username, password: data.password }
}

async function holdSession({ database }: Stage, credential: Credential): Promise<DemoSession> {
  story.does(database.shell(credential.username))
  const session = await database.connect(credential)
  const { user, at } = await session.whoAmI()
  must(user === credential.username, `logged in as ${user} at ${at}; the session stays open`)
  return session
}

async function whoHoldsWhat({ api }: Stage, credential: Credential): Promise<void> {
  story.chapter(4, 'Who holds what')
  story.does('mayfly lease ls')
  const { data } = await api.must('GET', 'sys/holdings')
  const [holding] = data.holdings
  story.sees(
    `${holding.display_name} (token ${holding.accessor.slice(0, 8)}…) from ${holding.remote_address}\nholds ${JSON.stringify(holding.visible)} of role ${holding.role}\nuntil ${holding.expire_time}`
  )
  must(holding.id === credential.lease, 'the lease names its holder, the user and the end; it keeps no password')
}

async function itDiesOnTime({ api, database }: Stage, credential: Credential, session: DemoSession): Promise<void> {
  story.chapter(5, `It dies on time, after ${ttlSeconds} s`)
  await Promise.race([session.ended, wait(20_000)])
  const refused = await database.connect(credential).then(
    async another => {
      await another[Symbol.asyncDispose]()
      return ''
    },
    (error: Error) => error.message
  )
  must(refused !== '', `a new login is refused: ${refused}`)
  const alive = await session.whoAmI().then(
    () => true,
    () => false
  )
  must(!alive, 'and the session that was open has been ended')
  must(await untilNobody(database, 5_000), `the user is gone from ${database.name}`)
  must(await untilOver(api, credential.lease), 'the lease is over')
}

/** Over is a lease when it is proven: a moment after the user is gone. */
async function untilOver(api: Api, lease: string): Promise<boolean> {
  for (let looks = 0; looks < 100; looks++) {
    if ((await api.ask('PUT', 'sys/leases/lookup', { lease_id: lease })).status === 400) return true
    await wait(50)
  }
  return false
}

async function untilNobody(database: DemoDatabase, limitMs: number): Promise<boolean> {
  for (let waited = 0; waited < limitMs; waited += 50) {
    if ((await database.usersLeft()).length === 0) return true
    await wait(50)
  }
  return false
}

async function crashInTheMiddle(stage: Stage): Promise<void> {
  const { api, database, config } = stage
  story.chapter(6, 'kill -9 in the middle of an issuance')
  await stage.broker[Symbol.asyncDispose]()
  stage.broker = Child.start(config, 'issue:after-create-ack')
  await stage.broker.serving(api.address)
  story.does('mayfly read database/creds/readonly      # the broker dies when the user exists and nobody knows yet')
  await api.ask('GET', 'database/creds/readonly').catch(() => undefined)
  await stage.broker.ended
  const [orphan] = await database.usersLeft()
  must(orphan !== undefined, `the broker is dead, the user ${orphan} is in ${database.name}`)
  story.does('mayfly server --config mayfly.yaml       # again')
  stage.broker = Child.start(config)
  await stage.broker.serving(api.address)
  must(await untilNobody(database, 10_000), 'nothing is left: the lease was promised before the user was made')
  const ended = await untilEnded(api)
  must(ended.length > 0, `the lease of the crash is ended, cause ${ended[0]?.cause}`)
}

async function untilEnded(api: Api): Promise<readonly { cause: string }[]> {
  for (let i = 0; i < 100; i++) {
    const { data } = await api.must('GET', 'sys/holdings?ended=true')
    const ended = data.holdings.filter(
      (holding: { cause: string; state: string }) => holding.cause === 'node-lost' && holding.state === 'revoked'
    )
    if (ended.length > 0) return ended
    await wait(100)
  }
  return []
}

async function whatTheTrailSays({ api, folder }: Stage): Promise<void> {
  story.chapter(7, 'The trail of all that')
  const { data } = await api.must('GET', 'sys/audit/checkpoint-key')
  await wait(500)
  const file = join(folder, 'audit.jsonl')
  for (const line of (await readFile(file, 'utf8')).trim().split('\n')) tell(JSON.parse(line))
  story.does('mayfly audit verify audit.jsonl')
  const verdict = await verifyTrail(openLines(file), { publicKey: data.public_key })
  must(verdict.ok, `the chain holds: ${verdict.lines} lines, ${verdict.checkpoints} signed checkpoints`)
}

function tell(entry: any): void {
  const at = String(entry.time ?? '').slice(11, 19)
  if (entry.type === 'event' && entry.operation === 'revoke')
    story.sees(`${at}  revoke    ${entry.credential?.name}  cause ${entry.revocation?.cause}, ${entry.revocation?.outcome}`)
  else if (entry.type === 'request' && entry.request.path.startsWith('database/creds/'))
    story.sees(`${at}  asked     ${entry.request.path} by ${entry.auth?.display_name}`)
  else if (entry.type === 'response' && entry.response?.issued) story.sees(`${at}  issued    ${entry.response.issued.username}`)
}

async function stay({ api, config, database, folder }: Stage): Promise<void> {
  await api.must('POST', 'database/roles/readonly', { db_name: 'shop', member_of: ['app_ro'], default_ttl: '15m' })
  story.title('Everything stays up until Ctrl-C, and credentials now live for 15 minutes. Try next, in another terminal, in this folder:')
  story.sees(
    [
      // Under the names that Mayfly's own command line reads as well as others'.
      `export VAULT_ADDR=${api.address} VAULT_TOKEN=${api.token}`,
      'npx mayfly read database/creds/readonly        # or vault read, or bao read',
      database.shell('USERNAME'),
      `npx mayfly ${database.pluginName.startsWith('mysql') ? 'mysql' : 'psql'} readonly        # the same in one step, for as long as the session lasts`,
      'npx mayfly lease ls',
      'npx mayfly lease revoke -sync -prefix database/creds/readonly',
      'npx mayfly lease ls --ended',
      `npx mayfly audit verify --key-from-server ${join(folder, 'audit.jsonl')}`,
      `# the configuration: ${config}`
    ].join('\n')
  )
  await interrupted
}

try {
  await main()
} catch (error) {
  process.stderr.write(`\nThe demo failed: ${error instanceof Error ? (error.stack ?? error.message) : 'unknown'}\n`)
  process.exitCode = 1
}
// A story that was interrupted still waits for what is gone.
process.exit()

/** `npm run bench`: what the goals say, measured as ratios from one run on this machine. `--only NAME` picks one, `--profile FOLDER` leaves the brokers' CPU profiles there. */
import { execFileSync } from 'node:child_process'
import { availableParallelism, cpus } from 'node:os'
import process from 'node:process'
import { parseArgs } from 'node:util'
import '../../src/plugin-name.ts'

const { values } = parseArgs({ options: { only: { type: 'string', multiple: true }, profile: { type: 'string' } } })

// Plugins name the contracts as a third party does: the name is resolved before they are loaded.
const { benchAws } = await import('./bench-aws.ts')
const { benchIssue } = await import('./bench-issue.ts')
const { benchLogins } = await import('./bench-logins.ts')
const { benchMysql } = await import('./bench-mysql.ts')
const { benchRevoke } = await import('./bench-revoke.ts')
const { benchScale } = await import('./bench-scale.ts')
const { benchSsh } = await import('./bench-ssh.ts')
const { benchSshKrl } = await import('./bench-ssh-krl.ts')
const { benchStart } = await import('./bench-start.ts')
const { benchTokens } = await import('./bench-tokens.ts')
const { Stand } = await import('./stand.ts')

const benches = {
  issue: benchIssue,
  revoke: benchRevoke,
  mysql: benchMysql,
  tokens: benchTokens,
  logins: benchLogins,
  ssh: benchSsh,
  krl: benchSshKrl,
  aws: benchAws,
  start: benchStart,
  scale: benchScale
}

async function main(): Promise<void> {
  const wanted = values.only ?? Object.keys(benches)
  const unknown = wanted.find(name => !Object.hasOwn(benches, name))
  if (unknown !== undefined) throw new Error(`no bench ${unknown}: say ${Object.keys(benches).join(', ')}`)
  keepToTwoCores()
  process.stdout.write(
    `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores for client, broker and database together, Node ${process.version}\n`
  )
  await using stand = await Stand.start(values.profile)
  for (const name of wanted) await benches[name as keyof typeof benches](stand)
}

/** The goals are for two cores that everybody shares. What is started from here inherits them. */
function keepToTwoCores(): void {
  if (availableParallelism() <= 2) return
  try {
    execFileSync('taskset', ['-a', '-c', '-p', '0,1', String(process.pid)], { stdio: 'ignore' })
  } catch {
    process.stdout.write('taskset is missing: not kept to two cores\n')
  }
}

try {
  await main()
} catch (error) {
  process.stderr.write(`\nThe bench failed: ${error instanceof Error ? (error.stack ?? error.message) : 'unknown'}\n`)
  process.exitCode = 1
}

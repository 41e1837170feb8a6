/** The story of SSH certificates that end, on a real sshd that whoever tells it may start: on a high port, for its own account alone. */
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as wait } from 'node:timers/promises'
import { makeKey, opensshVersion, sshdMissing } from '../targets/sshd-programs.ts'
import { SshdServer } from '../targets/sshd-server.ts'
import { startDemoBroker } from './demo-broker.ts'
import type { DemoBroker } from './demo-broker.ts'
import { must, story } from './story.ts'

// By name only: it is the system's, no package brings it.
const keygen = 'ssh-keygen'
const main = join(import.meta.dirname, '../../src/main.ts')

interface Stage extends DemoBroker {
  readonly sshd: SshdServer
  /** A key of the engineer's, and beside it the certificate for it that came last. */
  readonly key: string
}

interface Certificate {
  readonly lease: string
  readonly serial: string
}

export async function tellSshStory(
  stack: AsyncDisposableStack,
  keep: (stage: DemoBroker, hints: readonly string[]) => Promise<void>
): Promise<void> {
  story.title('Mayfly: SSH certificates that end')
  const stage = await setTheStage(stack)
  await configure(stage)
  story.chapter(3, 'The host enrols, with one command')
  enrol(stage, 'names')
  const certificate = await logIn(stage)
  await itsUse(stage, certificate)
  await revoked(stage, certificate)
  await revokedAtOnce(stage)
  asAnEngineer(stage)
  await keep(stage, [
    `npx mayfly ssh -p ${stage.sshd.port} ${stage.sshd.user}@127.0.0.1`,
    'npx mayfly lease ls',
    'npx mayfly read ssh/hosts/web1',
    `tail -f ${stage.sshd.logFile}`
  ])
}

async function setTheStage(stack: AsyncDisposableStack): Promise<Stage> {
  story.chapter(1, 'A real sshd and a broker')
  const lacking = sshdMissing()
  // What to install, and no more: where this stands helps nobody.
  if (lacking !== undefined) throw Object.assign(new Error(lacking), { stack: undefined })
  const sshd = stack.use(await SshdServer.start())
  story.good(`sshd ${opensshVersion()} listens on ${sshd.host}:${sshd.port}; it knows no key and no password of anybody`)
  const broker = await startDemoBroker(stack)
  const key = join(broker.folder, 'id')
  makeKey(key)
  return { ...broker, sshd, key }
}

async function configure({ api, sshd }: Stage): Promise<void> {
  story.chapter(2, 'Set up, as any client of the Vault HTTP API would')
  story.does('mayfly secrets enable ssh')
  await api.must('POST', 'sys/mounts/ssh', { type: 'ssh' })
  story.does('mayfly write ssh/config/ca generate_signing_key=true')
  const { data } = await api.must('POST', 'ssh/config/ca', {})
  story.sees(data.public_key.trim())
  story.does(`mayfly write ssh/roles/ops key_type=ca allow_user_certificates=true allowed_users=${sshd.user} ttl=10m`)
  const role = { key_type: 'ca', allow_user_certificates: true, allowed_users: sshd.user, default_user: sshd.user, ttl: '10m' }
  await api.must('POST', 'ssh/roles/ops', { ...role, default_extensions: { 'permit-pty': '' } })
}

/** By the command of an administrator, below the folder of this sshd in the place of `/`. */
function enrol(stage: Stage, principals: 'names' | 'command'): void {
  const { sshd } = stage
  story.does(`mayfly ssh enroll --host web1 --name 127.0.0.1 --principals ${principals}`)
  const here = ['--prefix', sshd.folder, '--log', sshd.logFile, '--command-user', sshd.user, '--without-helper']
  const { status, stderr } = mayfly(stage, ['ssh', 'enroll', '--host', 'web1', '--name', '127.0.0.1', '--principals', principals, ...here])
  story.sees(stderr.trim())
  if (status !== 0) throw new Error('the host did not enrol')
  const lines = readFileSync(join(sshd.folder, 'etc/ssh/sshd_config.d/50-mayfly.conf'), 'utf8')
    .trim()
    .replaceAll(sshd.folder, '…')
    .split('\n')
  story.sees(lines.filter(line => principals === 'names' || line.startsWith('AuthorizedPrincipals')).join('\n'))
  must(true, 'sshd checked its configuration, and was told to read it again')
}

async function logIn(stage: Stage): Promise<Certificate> {
  story.chapter(4, 'A certificate, and a login')
  const certificate = await sign(stage)
  story.sees(
    spawnSync(keygen, ['-Lf', `${stage.key}-cert.pub`], { encoding: 'utf8' })
      .stdout.split('\n')
      .slice(1, 9)
      .join('\n')
  )
  story.does(`ssh -i id -p ${stage.sshd.port} ${stage.sshd.user}@127.0.0.1`)
  must((await until(() => Promise.resolve(login(stage).ok || undefined))) === true, `logged in as ${stage.sshd.user}, who has no key there`)
  return certificate
}

async function sign({ api, key }: Stage): Promise<Certificate> {
  story.does('mayfly write ssh/sign/ops public_key=@id.pub')
  const { lease_id: lease, data } = await api.must('POST', 'ssh/sign/ops', { public_key: readFileSync(`${key}.pub`, 'utf8') })
  // Where ssh looks for it.
  writeFileSync(`${key}-cert.pub`, data.signed_key)
  return { lease, serial: data.serial }
}

async function itsUse(stage: Stage, { lease, serial }: Certificate): Promise<void> {
  story.chapter(5, 'Who holds what, and whether it was used')
  story.does(`mayfly lease show ${lease}`)
  const seen = await until(async () => {
    helper(stage)
    const { data } = await stage.api.must('PUT', 'sys/leases/lookup', { lease_id: lease })
    return data.last_seen === null ? undefined : data
  })
  const { display_name, visible, expire_time, last_seen, seen_from, uses } = seen ?? {}
  story.sees(
    `${display_name} holds ${JSON.stringify(visible)}\nuntil ${expire_time}; ${uses} ${uses === 1 ? 'login' : 'logins'}, the last ${last_seen} from ${seen_from?.join()}`
  )
  must(visible?.serial === serial, 'the host told of the login, by the serial in its log')
}

async function revoked(stage: Stage, { lease, serial }: Certificate): Promise<void> {
  story.chapter(6, 'Revoked means out: the list of the revoked')
  using session = holdSession(stage)
  await session.ready
  story.says('a session stays open')
  helper(stage)
  story.does(`mayfly lease revoke ${lease}`)
  await stage.api.must('PUT', 'sys/leases/revoke', { lease_id: lease, sync: true })
  story.does('mayfly-host sync   # a timer does it on the host')
  const said = await until(async () => {
    const text = helper(stage)
    return text.includes(`certificate ${serial}`) ? text : undefined
  })
  story.sees((said ?? '').trim())
  story.does('ssh-keygen -Qlf krl')
  const list = spawnSync(keygen, ['-Qlf', join(stage.sshd.folder, 'etc/ssh/mayfly/krl')], { encoding: 'utf8' }).stdout
  story.sees(list.replaceAll(/\n{2,}/g, '\n').trim())
  must(list.includes(`serial: ${serial}`), 'sshd has the serial on its list')
  must((await Promise.race([session.ended, wait(20_000)])) !== undefined, 'the session was ended')
  must(!login(stage).ok, `a new login is refused: ${refusal(stage)}`)
  must(
    (await until(async () => {
      helper(stage)
      const { status } = await stage.api.ask('PUT', 'sys/leases/lookup', { lease_id: lease })
      return status === 400 || undefined
    })) === true,
    'the lease is over: the host has said that it runs this list'
  )
}

async function revokedAtOnce(stage: Stage): Promise<void> {
  story.chapter(7, 'Refused at once: sshd asks at each login')
  enrol(stage, 'command')
  const { lease } = await sign(stage)
  story.does(`ssh -i id -p ${stage.sshd.port} ${stage.sshd.user}@127.0.0.1`)
  must((await until(() => Promise.resolve(login(stage).ok || undefined))) === true, 'logged in')
  story.does(`mayfly lease revoke ${lease}`)
  await stage.api.must('PUT', 'sys/leases/revoke', { lease_id: lease, sync: true })
  must(!login(stage).ok, `refused, before any list has come: ${refusal(stage)}`)
}

function asAnEngineer(stage: Stage): void {
  story.chapter(8, 'As engineers do it: no key, no file, no role to know')
  const { port, user, host } = stage.sshd
  story.does(`mayfly ssh --verbose -p ${port} ${user}@${host} 'echo I am $USER at port ${port}'`)
  const words = ['-F', 'none', '-o', 'StrictHostKeyChecking=yes', '-o', 'UserKnownHostsFile=none', '-p', String(port), `${user}@${host}`]
  const { status, stdout, stderr } = mayfly(stage, ['ssh', '--verbose', ...words, `echo I am $USER at port ${port}`])
  story.sees(`${stderr}${stdout}`.trim())
  must(status === 0 && stdout.includes(user), 'the host showed a certificate of its own, so nobody was asked whether to trust its key')
  story.does('mayfly ssh ls')
  story.sees(mayfly(stage, ['ssh', 'ls']).stdout.trim())
}

function mayfly({ api, folder }: Stage, words: readonly string[]) {
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, XDG_RUNTIME_DIR: folder, MAYFLY_ADDR: api.address, MAYFLY_TOKEN: api.token }
  return spawnSync(process.execPath, [main, ...words], { env, encoding: 'utf8' })
}

/** One turn of what a timer starts on a host; what it said. */
function helper({ sshd }: Stage): string {
  return spawnSync('sh', [join(sshd.folder, 'usr/libexec/mayfly-host'), 'sync', '--prefix', sshd.folder], { encoding: 'utf8' }).stderr
}

function login(stage: Stage): { readonly ok: boolean } {
  return { ok: spawnSync('ssh', [...words(stage), 'true'], { stdio: 'ignore' }).status === 0 }
}

function words({ sshd, key }: Stage): readonly string[] {
  const options = ['BatchMode=yes', 'IdentitiesOnly=yes', 'IdentityAgent=none', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null']
  const said = [...options, 'LogLevel=ERROR'].flatMap(option => ['-o', option])
  return ['-F', 'none', ...said, '-i', key, '-p', String(sshd.port), `${sshd.user}@${sshd.host}`]
}

function holdSession(stage: Stage): Disposable & { readonly ready: Promise<unknown>; readonly ended: Promise<number> } {
  const child: ChildProcess = spawn('ssh', [...words(stage), 'echo ready; sleep 1000'], { stdio: ['pipe', 'pipe', 'ignore'] })
  const ended = new Promise<number>(resolve => child.once('exit', code => resolve(code ?? 255)))
  const ready = new Promise(resolve => child.stdout?.once('data', resolve))
  return { ready, ended, [Symbol.dispose]: () => void child.kill() }
}

/** The last word of sshd on it. */
function refusal({ sshd }: Stage): string {
  const lines = sshd.log.split('\n').filter(line => /revoked|does not contain an authorized principal|Refusing certificate/i.test(line))
  return lines.at(-1)?.replaceAll(sshd.folder, '…') ?? 'Permission denied (publickey)'
}

async function until<T>(look: () => Promise<T | undefined>, limitMs = 60_000): Promise<T | undefined> {
  for (let waited = 0; waited < limitMs; waited += 200) {
    const seen = await look()
    if (seen !== undefined) return seen
    await wait(200)
  }
  return undefined
}

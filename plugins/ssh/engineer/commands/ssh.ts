/** `mayfly ssh user@host`: the system's own ssh, with a certificate that is made for this one connection, and one for each jump host on the way. Their keys are made in this process, and ssh reaches them through agents on sockets
 *  of their own: nothing of them is ever in a file, and they are gone when ssh ends. */
import { join } from 'node:path'
import { BrokerError } from 'mayfly/plugin'
import type { AskingCall, AskingCommand } from 'mayfly/plugin'
import { AgentSocket } from '../agent/agent-socket.ts'
import { OneLogin } from '../agent/one-login.ts'
import type { Destination } from '../destination.ts'
import type { HeldCertificate } from '../held-certificate.ts'
import { HeldRecords } from '../held-records.ts'
import { hopLogins } from '../hop-logins.ts'
import type { HopLogin, Logins } from '../hop-logins.ts'
import { privateFolder } from '../private-folder.ts'
import { routeOf } from '../route.ts'
import { runSsh } from '../run-ssh.ts'
import { SshFolder } from '../ssh-folder.ts'
import { jumpScript, sshOptions } from '../ssh-options.ts'
import type { Served } from '../ssh-options.ts'
import { SshWords } from '../ssh-words.ts'

// ssh's own: it could not get in, or lost the connection.
const sshFailed = 255

export const sshCommand: AskingCommand = {
  name: 'ssh',
  summary: 'log in to a host with a certificate that is made for this connection',
  takes: { '[words...]': 'as for ssh: options of ssh, user@host, a command' },
  options: {
    '--role <role>': 'which role signs; without it the one that signs for this account (MAYFLY_SSH_ROLE)',
    '--mount <path>': 'where the SSH backend is mounted; without it all that you can reach are asked (MAYFLY_SSH_MOUNT)',
    '--principals <names>': 'what the certificate shall be good for, with commas between; without it what the account takes',
    '--ttl <duration>': 'how long it shall be good, such as 5m',
    '--jump-role <role>': 'which role signs for the hosts on the way; without it the same, or the one that signs there',
    '--revoke-on-exit': 'revoke it when ssh ends, and do not leave it to its time',
    '--verbose': 'say which certificate it is'
  },
  passesOn: true,
  details: `Your own configuration of ssh counts: aliases, ports, jump hosts. The key is never in a file and ends with ssh.
Each jump host (-J, ProxyJump) gets a certificate of its own, for the account there; where no role signs, your own keys go on.
Options of mayfly come first; from the first word that is none of them on, everything is for ssh.
For scp, rsync, git and editors, which start ssh by themselves, see mayfly ssh setup.`,
  examples: [
    'mayfly ssh deploy@web1.example.com',
    'mayfly ssh -J ops@bastion deploy@web1',
    'mayfly ssh --role ops --ttl 5m -p 2222 deploy@web1 uptime'
  ],
  async run(call) {
    const words = new SshWords(call.args)
    if (words.toDestination) return await connect(call, words, words.toDestination)
    if (call.args.length === 0) throw new BrokerError('invalid_request', 'say where to, as for ssh: mayfly ssh user@host')
    // `-V`, `-Q`: there is nothing to log in to.
    return await runSsh(call.args, call.programEnv)
  }
}

async function connect(call: AskingCall, words: SshWords, way: readonly string[]): Promise<number> {
  // Plain `ssh` after `setup` would start the other agent; here it must not.
  const env = { ...call.programEnv, MAYFLY_SSH_INSIDE: '1' }
  const route = routeOf(call.args, env)
  const records = new HeldRecords(new SshFolder(call))
  const leases: string[] = []
  const made = (certificate: HeldCertificate, waysThere: readonly string[]): void => {
    leases.push(certificate.lease)
    records.put(certificate, call.broker.address, [waysThere])
  }
  try {
    const logins = await hopLogins(call, route, (certificate, hop) => made(certificate, hop?.words ?? way))
    if (call.flag('verbose')) tell(call, logins)
    return await logIn(call, words, logins, env)
  } finally {
    if (call.flag('revokeOnExit')) for (const lease of leases) await revoke(call, records, lease)
  }
}

async function logIn(call: AskingCall, words: SshWords, { jumps, last }: Logins, env: Readonly<Record<string, string>>): Promise<number> {
  using folder = privateFolder(call.env)
  await using agents = new AsyncDisposableStack()
  const serve = async (login: HopLogin, name: string): Promise<Served & { readonly keys?: OneLogin }> => {
    if (!login.certificate) return { login, agent: undefined }
    const keys = new OneLogin(login.certificate, login.to.user)
    return { login, keys, agent: agents.use(await AgentSocket.listen(join(folder.path, name), keys)) }
  }
  const served = await Promise.all(jumps.map(async (hop, at) => ({ hop, ...(await serve(hop, `agent-${at + 1}`)) })))
  const there = await serve(last, 'agent')
  const over = jumpScript(folder.path, served, last.to)
  const options = sshOptions(folder.path, there, over)
  const code = await runSsh([...options, ...(over === undefined ? call.args : words.withoutJump)], env)
  if (code === sshFailed) for (const { login, keys } of [...served, there]) tellFailure(call, login, keys)
  return code
}

/** Where ssh goes on with the user's own keys nobody has to know it, unless it gets nowhere. Of a host that takes no certificate it says "Permission denied", and nothing more. */
function tellFailure(call: AskingCall, { to, certificate, without }: HopLogin, keys: OneLogin | undefined): void {
  if (without !== undefined) call.screen.note(`no certificate for the jump host ${to.host}: ${without}`)
  if (/(?:^|[\s/])ssh\s/.test(to.proxyCommand ?? ''))
    call.screen.note(`the way to ${to.host} is a ProxyCommand: it got no certificate of ours; a ProxyJump gets one`)
  if (certificate && keys?.wasRefused)
    call.screen.note(
      `${to.host} did not take serial ${certificate.serial} of role ${certificate.role}, for ${certificate.principals.join(', ')}: it may have no account ${to.user}, take other principals there, or not trust this CA`
    )
}

function tell(call: AskingCall, { jumps, last }: Logins): void {
  for (const { to, certificate } of [...jumps, last]) if (certificate) call.screen.note(described(certificate, to))
}

function described({ role, serial, principals, until }: HeldCertificate, to: Destination): string {
  return `${to.user} at ${to.host}: serial ${serial} of role ${role}, for ${principals.join(', ')}, until ${new Date(until).toISOString().replace('.000Z', 'Z')}`
}

async function revoke(call: AskingCall, records: HeldRecords, lease: string): Promise<void> {
  try {
    await call.request('POST', 'sys/leases/revoke', { lease_id: lease })
    records.remove(lease)
  } catch (error) {
    call.screen.warn(`the certificate is not revoked: ${error instanceof Error ? error.message : 'unknown error'}`)
  }
}

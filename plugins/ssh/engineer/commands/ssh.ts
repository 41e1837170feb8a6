/** `mayfly ssh user@host`: the system's own ssh, with a certificate that is made for this one connection. Its key is made in this process, and ssh reaches it through an agent on a socket of its own: nothing of it is ever in a
 *  file, and it is gone when ssh ends. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BrokerError } from 'mayfly/plugin'
import type { AskingCall, AskingCommand } from 'mayfly/plugin'
import { readAccess } from '../access.ts'
import type { Access } from '../access.ts'
import { AgentSocket } from '../agent/agent-socket.ts'
import { chooseRole } from '../choose-role.ts'
import { destinationOf } from '../destination.ts'
import type { Destination } from '../destination.ts'
import { HeldRecords } from '../held-records.ts'
import { knownHostsLines } from '../known-hosts-lines.ts'
import { newCertificate } from '../new-certificate.ts'
import { runSsh } from '../run-ssh.ts'
import { SshFolder } from '../ssh-folder.ts'
import { wordsToDestination } from '../ssh-words.ts'

export const sshCommand: AskingCommand = {
  name: 'ssh',
  summary: 'log in to a host with a certificate that is made for this connection',
  takes: { '[words...]': 'as for ssh: options of ssh, user@host, a command' },
  options: {
    '--role <role>': 'which role signs; without it the one that signs for this account (MAYFLY_SSH_ROLE)',
    '--mount <path>': 'where the SSH backend is mounted; without it all that you can reach are asked (MAYFLY_SSH_MOUNT)',
    '--principals <names>': 'what the certificate shall be good for, with commas between; without it what the account takes',
    '--ttl <duration>': 'how long it shall be good, such as 5m',
    '--revoke-on-exit': 'revoke it when ssh ends, and do not leave it to its time',
    '--verbose': 'say which certificate it is'
  },
  passesOn: true,
  details: `Your own configuration of ssh counts: aliases, ports, jump hosts. The key is never in a file and ends with ssh.
Options of mayfly come first; from the first word that is none of them on, everything is for ssh.
For scp, rsync, git and editors, which start ssh by themselves, see mayfly ssh setup.`,
  examples: ['mayfly ssh deploy@web1.example.com', 'mayfly ssh --role ops --ttl 5m -p 2222 deploy@web1 uptime'],
  async run(call) {
    const way = wordsToDestination(call.args)
    if (way) return await connect(call, way)
    if (call.args.length === 0) throw new BrokerError('invalid_request', 'say where to, as for ssh: mayfly ssh user@host')
    // `-V`, `-Q`: there is nothing to log in to.
    return await runSsh(call.args, call.programEnv)
  }
}

async function connect(call: AskingCall, way: readonly string[]): Promise<number> {
  // Plain `ssh` after `setup` would start the other agent; here it must not.
  const env = { ...call.programEnv, MAYFLY_SSH_INSIDE: '1' }
  const to = destinationOf(call.args, env)
  const access = await readAccess(call, { host: to.host, user: to.user })
  const choice = chooseRole(call, access, to)
  const asked = call.option('principals')
  const certificate = await newCertificate(
    call,
    { ...choice, ...(asked === undefined ? {} : { principals: asked.split(',') }) },
    call.option('ttl')
  )
  const records = new HeldRecords(new SshFolder(call))
  records.put(certificate, call.broker.address, [way])
  if (call.flag('verbose')) call.screen.note(described(certificate, to))
  try {
    using folder = privateFolder(call.env)
    await using agent = await AgentSocket.listen(join(folder.path, 'agent'), {
      list: () => Promise.resolve([certificate]),
      allows: ({ user }) => user === to.user
    })
    return await runSsh([...options(agent.path, knownHosts(folder.path, access, to)), ...call.args], env)
  } finally {
    if (call.flag('revokeOnExit')) await revoke(call, records, certificate.lease)
  }
}

function described(
  { role, serial, principals, until }: { role: string; serial: string; principals: readonly string[]; until: number },
  to: Destination
): string {
  return `${to.user} at ${to.host}: serial ${serial} of role ${role}, for ${principals.join(', ')}, until ${new Date(until).toISOString().replace('.000Z', 'Z')}`
}

/** The first value that ssh is told counts. What the user's agent holds would only use up the tries that sshd gives. */
function options(socket: string, knownHosts: readonly string[]): readonly string[] {
  const set = [`IdentityAgent=${quoted(socket)}`, 'IdentitiesOnly=no', 'ForwardAgent=no', 'AddKeysToAgent=no', ...knownHosts]
  return set.flatMap(option => ['-o', option])
}

/** Beside what the machine knows already; the user's own file stays where new keys go. */
function knownHosts(folder: string, access: readonly Access[], to: Destination): readonly string[] {
  const keys = access.flatMap(({ hosts, hostKeys }) =>
    hosts.some(({ certified, names }) => certified && names.includes(to.host)) ? hostKeys : []
  )
  const lines = knownHostsLines([to.host], keys)
  if (lines === '') return []
  const file = join(folder, 'known_hosts')
  writeFileSync(file, lines, { mode: 0o600 })
  return [`GlobalKnownHostsFile=${quoted(file)} ${to.globalKnownHosts}`.trim()]
}

async function revoke(call: AskingCall, records: HeldRecords, lease: string): Promise<void> {
  try {
    await call.request('POST', 'sys/leases/revoke', { lease_id: lease })
    records.remove(lease)
  } catch (error) {
    call.screen.warn(`the certificate is not revoked: ${error instanceof Error ? error.message : 'unknown error'}`)
  }
}

function privateFolder(env: AskingCall['env']): Disposable & { readonly path: string } {
  const runtime = env['XDG_RUNTIME_DIR']
  const path = made(runtime ? [runtime, tmpdir()] : [tmpdir()])
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

function made([place = tmpdir(), ...others]: readonly string[]): string {
  try {
    // With mode 0700.
    return mkdtempSync(join(place, 'mayfly-ssh-'))
  } catch (error) {
    if (others.length === 0) throw error
    return made(others)
  }
}

const quoted = (path: string): string => (/\s/.test(path) ? `"${path}"` : path)

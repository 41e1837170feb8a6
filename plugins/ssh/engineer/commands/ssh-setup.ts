/** `mayfly ssh setup`: from then on plain `ssh host` logs in with certificates, and so do scp, sftp, rsync, git and editors, which all read ssh's configuration. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { BrokerError } from 'mayfly/plugin'
import type { AskingCall, AskingCommand } from 'mayfly/plugin'
import { readAccess } from '../access.ts'
import type { Access } from '../access.ts'
import { agentWords } from '../agent-words.ts'
import { aliasesOf } from '../aliases.ts'
import { destinationOf } from '../destination.ts'
import type { Destination } from '../destination.ts'
import { IncludeLine } from '../include-line.ts'
import { KeptTrust } from '../kept-trust.ts'
import { knownPlaces } from '../known-places.ts'
import { ownProgram } from '../own-program.ts'
import { removeFiles } from '../remove-files.ts'
import { replaceFile } from '../replace-file.ts'
import { endResident } from '../resident-agent.ts'
import { configText, ensureText } from '../setup-files.ts'
import type { SetUp, Way } from '../setup-files.ts'
import { SshFolder } from '../ssh-folder.ts'
import { residentOptions } from './ssh-agent.ts'

const patternsMax = 500

export const sshSetupCommand: AskingCommand = {
  name: 'ssh setup',
  summary: 'let plain ssh, scp, rsync, git and editors log in with certificates',
  takes: { '[hosts...]': 'names or patterns, such as *.prod.example.com; without any, the hosts that the broker knows' },
  options: {
    ...residentOptions,
    '--files': 'keep the key in a file, for a while, where an agent is not to be had',
    '--undo': 'take all of it away again'
  },
  details: `It puts one line into ~/.ssh/config, and everything else into ~/.mayfly/ssh. For other hosts nothing changes; for these
ssh asks an agent that starts by itself, holds keys in memory, and signs logins only. When the broker is away ssh goes on as without it.
Call it again when there are new hosts.`,
  examples: ['mayfly ssh setup', 'mayfly ssh setup "*.prod.example.com" --role ops', 'mayfly ssh setup --undo'],
  async run(call) {
    const folder = new SshFolder(call)
    const include = new IncludeLine(call.homeDir, folder.file('config'))
    await (call.flag('undo') ? undo(call, folder, include) : setUp(call, folder, include))
  }
}

async function setUp(call: AskingCall, folder: SshFolder, include: IncludeLine): Promise<void> {
  const access = await readAccess(call)
  const config = join(call.homeDir, '.ssh', 'config')
  const env = { ...call.programEnv, MAYFLY_SSH_INSIDE: 'check' }
  const wanted = wantedHosts(call.args, access)
  const patterns = [...wanted, ...knownPlaces(config, wanted, new Set(namesOf(access)), env)]
  const plan = {
    patterns: [...patterns, ...aliasesOf(config, new Set(patterns), env)],
    globalKnownHosts: destinationOf(['mayfly.invalid'], env).globalKnownHosts,
    program: ownProgram(),
    words: agentWords(call, caFile(call, folder))
  }
  const hosts = { hosts: [...patterns], ...(call.args.length > 0 ? { typed: [...patterns] } : {}) }
  const trusted = new KeptTrust(folder).begin(hosts, access, call.broker.address)
  const isNew = include.put()
  const ways: readonly Way[] = call.flag('files') || !folder.fitsSocket ? ['files'] : ['agent', 'files']
  const way = ways.find(one => works(folder, { ...plan, way: one }, env))
  // One that serves with other words than these.
  await endResident(folder)
  if (!way) {
    takeAway(folder, include)
    throw new BrokerError('invalid_request', `ssh does not take it in from ${config}: everything is as it was`)
  }
  if (isNew) call.screen.note(`${config} has a new first line: it includes ${folder.file('config')}`)
  if (trusted === '') call.screen.note('the broker shows you no key that signs for hosts: their keys are confirmed as before')
  if (call.screen.format === 'json') return call.screen.json({ hosts: plan.patterns, way, config: folder.file('config') })
  return call.screen.say(`plain ssh logs in to ${plan.patterns.join(', ')} with certificates, ${means[way]}`)
}

const means = { agent: 'from an agent that starts by itself', files: 'from a file that is renewed as ssh starts' } as const

/** Writes it, and asks ssh what it has understood. */
function works(folder: SshFolder, plan: SetUp, env: AskingCall['env']): boolean {
  replaceFile(folder.file('ensure'), ensureText(folder, plan), 0o700)
  replaceFile(folder.file('config'), configText(folder, plan), 0o600)
  const host = plan.patterns.find(pattern => !pattern.startsWith('!')) ?? ''
  const understood = understoodOf(host.replaceAll(/[*?]/g, 'x'), env)
  return plan.way === 'agent'
    ? understood?.identityAgent === folder.agentSocket
    : understood?.certificateFile === folder.file('files', 'id-cert.pub')
}

/** An ssh that refuses the block refuses every host: then it must not stay. */
function understoodOf(host: string, env: AskingCall['env']): Destination | undefined {
  try {
    return destinationOf([host], env)
  } catch {
    return undefined
  }
}

async function undo(call: AskingCall, folder: SshFolder, include: IncludeLine): Promise<void> {
  await endResident(folder)
  const was = takeAway(folder, include)
  if (call.screen.format === 'json') return call.screen.json({ undone: was })
  return call.screen.say(was ? 'plain ssh is as it was before' : 'there was nothing to undo')
}

function takeAway(folder: SshFolder, include: IncludeLine): boolean {
  const was = include.remove()
  new KeptTrust(folder).end()
  for (const name of ['config', 'ensure', 'ca.pem', 'agent.log']) rmSync(folder.file(name), { force: true })
  removeFiles(folder)
  return was
}

/** Those that the broker's own certificate is trusted by: a variable of today's shell is not there when an editor starts ssh. */
function caFile({ broker: { ca } }: AskingCall, folder: SshFolder): string | undefined {
  folder.made()
  if (ca === undefined) return undefined
  replaceFile(folder.file('ca.pem'), ca, 0o600)
  return folder.file('ca.pem')
}

function namesOf(access: readonly Access[]): readonly string[] {
  return access.flatMap(({ hosts }) => hosts.flatMap(({ host, names }) => [host, ...names]))
}

function wantedHosts(typed: readonly string[], access: readonly Access[]): readonly string[] {
  const patterns = typed.length > 0 ? typed.map(pattern => pattern.toLowerCase()) : [...new Set(namesOf(access))]
  const wrong = patterns.find(pattern => !/^!?[a-z0-9*?._:-]+$/.test(pattern) || !/[a-z0-9]/.test(pattern))
  if (wrong !== undefined)
    throw new BrokerError(
      'invalid_request',
      `${JSON.stringify(wrong.slice(0, 80))}: name a host or a domain of yours, such as *.prod.example.com`
    )
  if (patterns.length === 0)
    throw new BrokerError('invalid_request', 'the broker names no hosts to you: say which, such as mayfly ssh setup "*.prod.example.com"')
  if (patterns.length > patternsMax)
    throw new BrokerError('invalid_request', `${patterns.length} names: at most ${patternsMax}; name a pattern, such as *.prod.example.com`)
  return patterns
}

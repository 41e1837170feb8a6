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
import { isRefusal, matcherOf } from '../host-patterns.ts'
import { knownPlaces } from '../known-places.ts'
import { ownProgram } from '../own-program.ts'
import { RefusedNames } from '../refused-names.ts'
import { removeFiles } from '../remove-files.ts'
import { replaceFile } from '../replace-file.ts'
import { endResident } from '../resident-agent.ts'
import { configText, ensureText } from '../setup-files.ts'
import type { SetUp, Way } from '../setup-files.ts'
import { SshFolder } from '../ssh-folder.ts'
import { untaken } from '../untaken.ts'
import { residentOptions } from './ssh-agent.ts'

const patternsMax = 500

export const sshSetupCommand: AskingCommand = {
  name: 'ssh setup',
  summary: 'let plain ssh, scp, rsync, git and editors log in with certificates',
  takes: {
    '[hosts...]':
      "names or patterns, such as *.prod.example.com, or '!old.prod.example.com' but for this one; without any, the hosts that the broker knows"
  },
  options: {
    ...residentOptions,
    '--files': 'keep the key in a file, for a while, where an agent is not to be had',
    '--undo': 'take all of it away again'
  },
  details: `It puts one line into ~/.ssh/config, and everything else into ~/.mayfly/ssh. For other hosts nothing changes; for these
ssh asks an agent that starts by itself, holds keys in memory, and signs logins only. When the broker is away ssh goes on as without it.
Call it again when there are new hosts. What is refused with ! is refused by all its names in ~/.ssh/config and at the broker.`,
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
  const refused = new RefusedNames(config, wanted, access, env)
  const patterns = hostsAndRefusals(wanted, knownPlaces(config, wanted, new Set(namesOf(access)), refused, env), refused)
  const plan = {
    patterns: [...patterns, ...aliasesOf(config, new Set(patterns), env).filter(name => !refused.has(name))],
    globalKnownHosts: destinationOf(['mayfly.invalid'], env).globalKnownHosts,
    program: ownProgram(),
    words: agentWords(call, caFile(call, folder))
  }
  const hosts = { hosts: [...patterns], ...(namesHosts(call.args) ? { typed: [...patterns] } : {}) }
  const trusted = new KeptTrust(folder).begin(hosts, access, call.broker.address)
  const isNew = include.put()
  const ways: readonly Way[] = call.flag('files') || !folder.fitsSocket ? ['files'] : ['agent', 'files']
  const probe = probeOf(plan.patterns, refused)
  const way = ways.find(one => works(folder, { ...plan, way: one }, probe, env))
  // One that serves with other words than these.
  await endResident(folder)
  if (!way) {
    const { said } = understoodOf(probe, env)
    takeAway(folder, include)
    throw untaken(call.homeDir, said)
  }
  if (isNew) call.screen.note(`${config} has a new first line: it includes ${folder.file('config')}`)
  if (trusted === '') call.screen.note('the broker shows you no key that signs for hosts: their keys are confirmed as before')
  if (call.screen.format === 'json') return call.screen.json({ hosts: plan.patterns, way, config: folder.file('config') })
  return call.screen.say(`plain ssh logs in to ${told(plan.patterns)} with certificates, ${means[way]}`)
}

const means = { agent: 'from an agent that starts by itself', files: 'from a file that is renewed as ssh starts' } as const

/** Writes it, and asks ssh what it has understood. */
function works(folder: SshFolder, plan: SetUp, probe: string, env: AskingCall['env']): boolean {
  replaceFile(folder.file('ensure'), ensureText(folder, plan), 0o700)
  replaceFile(folder.file('config'), configText(folder, plan), 0o600)
  const { to } = understoodOf(probe, env)
  return plan.way === 'agent' ? to?.identityAgent === folder.agentSocket : to?.certificateFile === folder.file('files', 'id-cert.pub')
}

/** An ssh that refuses the block refuses every host: then it must not stay. */
function understoodOf(host: string, env: AskingCall['env']): { readonly to?: Destination; readonly said?: string } {
  try {
    return { to: destinationOf([host], env) }
  } catch (error) {
    return { said: (error as Error).message }
  }
}

/** A name that the patterns are for. */
function probeOf(patterns: readonly string[], refused: RefusedNames): string {
  const names = patterns
    .filter(pattern => !isRefusal(pattern))
    .flatMap(one => ['x', 'q', '7'].map(letter => one.replaceAll(/[*?]/g, letter)))
  return names.find(name => !refused.has(name)) ?? ''
}

function told(patterns: readonly string[]): string {
  const refusals = patterns.filter(isRefusal).map(pattern => pattern.slice(1))
  return `${patterns.filter(one => !isRefusal(one)).join(', ')}${refusals.length > 0 ? `, not to ${refusals.join(', ')},` : ''}`
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

const namesHosts = (typed: readonly string[]): boolean => typed.some(pattern => !isRefusal(pattern))

/** Refusals last, and every other name of a refused host that one of the patterns is for. */
function hostsAndRefusals(wanted: readonly string[], places: readonly string[], refused: RefusedNames): readonly string[] {
  const hosts = [...wanted, ...places].filter(pattern => !isRefusal(pattern) && !refused.has(pattern))
  if (hosts.length === 0) throw new BrokerError('invalid_request', 'every host that is named is also refused, by a pattern with !')
  const others = refused.others.filter(matcherOf(hosts))
  return [...hosts, ...wanted.filter(isRefusal), ...others.map(name => `!${name}`)]
}

function wantedHosts(typed: readonly string[], access: readonly Access[]): readonly string[] {
  const patterns = [...typed.map(pattern => pattern.toLowerCase()), ...(namesHosts(typed) ? [] : new Set(namesOf(access)))]
  const wrong = patterns.find(pattern => !/^!?[a-z0-9*?._:-]+$/.test(pattern) || !/[a-z0-9]/.test(pattern))
  if (wrong !== undefined)
    throw new BrokerError(
      'invalid_request',
      `${JSON.stringify(wrong.slice(0, 80))}: name a host or a domain of yours, such as *.prod.example.com`
    )
  if (!namesHosts(patterns))
    throw new BrokerError('invalid_request', 'the broker names no hosts to you: say which, such as mayfly ssh setup "*.prod.example.com"')
  if (patterns.length > patternsMax)
    throw new BrokerError('invalid_request', `${patterns.length} names: at most ${patternsMax}; name a pattern, such as *.prod.example.com`)
  return patterns
}

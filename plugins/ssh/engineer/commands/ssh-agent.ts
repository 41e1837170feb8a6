/** `mayfly ssh agent`: what plain ssh logs in with after `mayfly ssh setup`. It holds keys in memory and nowhere else, and makes a certificate when a client asks for one. */
import { spawn } from 'node:child_process'
import { openSync, readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { BrokerError } from 'mayfly/plugin'
import type { AskingCall, AskingCommand } from 'mayfly/plugin'
import { agentWords } from '../agent-words.ts'
import { HeldRecords } from '../held-records.ts'
import { KeptTrust } from '../kept-trust.ts'
import { ownProgram } from '../own-program.ts'
import { answersAt, serveResident } from '../resident-agent.ts'
import { ResidentKeys } from '../resident-keys.ts'
import { SshFolder } from '../ssh-folder.ts'

const idleMinutesUsual = 30
const startMsMax = 20_000
const lookEveryMs = 20

export const residentOptions = {
  '--role <role>': 'only certificates of this role (MAYFLY_SSH_ROLE)',
  '--mount <path>': 'only of this SSH backend (MAYFLY_SSH_MOUNT)',
  '--principals <names>': 'what they shall be good for, with commas between; without it all that the role gives you',
  '--ttl <duration>': 'how long each shall be good'
}

export const sshAgentCommand: AskingCommand = {
  name: 'ssh agent',
  summary: 'be the agent behind plain ssh, as mayfly ssh setup has arranged it',
  options: {
    ...residentOptions,
    '--idle <minutes>': `end when nobody came for so long (${idleMinutesUsual})`,
    '--background': 'return as soon as it serves'
  },
  details: `It signs logins and nothing else, for clients on this machine alone: who it is forwarded to gets nothing.
With another token, after mayfly login, it starts anew by itself.`,
  examples: ['mayfly ssh agent', 'mayfly ssh agent --background'],
  async run(call) {
    const folder = new SshFolder(call)
    const idleMinutes = Number(call.option('idle') ?? idleMinutesUsual)
    if (!(idleMinutes > 0 && idleMinutes <= 10_000)) throw new BrokerError('invalid_request', 'idle: expected minutes, from 1 to 10000')
    if (await answersAt(folder.agentSocket)) return call.flag('background') ? 0 : call.screen.note('it serves already')
    if (call.flag('background')) return await start(call, folder)
    const keys = new ResidentKeys(call, new HeldRecords(folder))
    const trust = new KeptTrust(folder)
    keys.onAccess = access => trust.follow(access, call.broker.address)
    // Before anybody relies on it: without a role or a token there is nothing to serve.
    if ((await keys.make()).length === 0)
      throw new BrokerError('invalid_request', 'no role signs for you: mayfly ssh ls shows what there is')
    const ended = new AbortController()
    // Whoever comes next starts one that has another token, or goes on without.
    keys.onNothing = () => ended.abort()
    return await serveResident(folder, keys, { idleMs: idleMinutes * 60_000, ended })
  }
}

/** The same once more, apart from our terminal. It fails as that one does, in its words. */
async function start(call: AskingCall, folder: SshFolder): Promise<number> {
  folder.made()
  const log = openSync(folder.file('agent.log'), 'w', 0o600)
  const [program, ...args] = ownProgram()
  const child = spawn(program, [...args, 'ssh', 'agent', ...agentWords(call)], {
    detached: true,
    stdio: ['ignore', log, log],
    env: call.env
  })
  const gone = new AbortController()
  for (const event of ['exit', 'error']) child.once(event, () => gone.abort())
  const until = performance.now() + startMsMax
  while (!gone.signal.aborted && performance.now() < until) {
    if (await answersAt(folder.agentSocket)) {
      child.unref()
      return 0
    }
    await wait(lookEveryMs)
  }
  child.kill()
  throw new BrokerError('invalid_request', `the agent did not start: ${lastLine(folder.file('agent.log'))}`)
}

function lastLine(file: string): string {
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  return lines.at(-1)?.replace(/^error: /, '') || 'it said nothing'
}

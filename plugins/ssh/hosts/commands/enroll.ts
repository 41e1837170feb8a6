/** `mayfly ssh enroll`: makes a machine a host of an SSH mount, here or over ssh. */
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { BrokerError } from 'mayfly/plugin'
import type { AskingCall, AskingCommand } from 'mayfly/plugin'
import { runHostScript } from './run-host-script.ts'

export const enrollCommand: AskingCommand = {
  name: 'ssh enroll',
  summary: 'let a host trust SSH certificates of the broker, and certify its host key',
  options: {
    '--via <user@host>': 'the host, over ssh, as root; without it: this machine',
    '--host <name>': 'its name at the broker (its host name)',
    '--name <name...>': 'more names and addresses that its certificate is for',
    '--mount <path>': 'where the SSH backend is mounted (ssh)',
    '--invitation <file>': 'a file with a single-use token for this host (- is standard input); without it one is made with your right',
    '--wrapped': 'the invitation is wrapped',
    '--broker <url>': 'where the host finds the broker, when it is elsewhere than for you',
    '--principals <way>':
      'command: ask the broker at each login (the default); files: accounts as the broker names them; names: the account itself',
    '--offline <rule>': 'allow or deny: what the command answers while the broker is away',
    '--offline-minutes <n>': 'deny after so many minutes without the broker',
    '--sessions-outlive <minutes>': 'how long a session may go on after its certificate; keep: as it likes (the default)',
    '--interval <seconds>': 'how often the helper asks when it cannot wait at the broker for news (15)',
    '--log <file>': 'who tells of logins: journal, a file that sshd writes to, or pam (the first of these that is there)',
    '--prefix <dir>': 'a folder in the place of /',
    '--command-user <user>': 'as whom sshd runs the command that asks (nobody)',
    '--without-helper': 'do not start the helper: something else runs `mayfly-host sync`',
    '--dry-run': 'show what would change, and change nothing'
  },
  details: `The host needs sh, curl and ssh-keygen. Its configuration is checked by sshd before it is loaded, and put back when sshd refuses it.
A second time it is brought up to date, and needs no token.`,
  examples: [
    'mayfly ssh enroll --via root@web1.example.com',
    'mayfly ssh enroll --host web1 --invitation /run/invitation',
    'mayfly ssh enroll --via root@web1.example.com --dry-run'
  ],
  async run(call) {
    const via = call.option('via')
    const host = (call.option('host') ?? (via === undefined ? hostname() : via.slice(via.lastIndexOf('@') + 1))).toLowerCase()
    const mount = (call.option('mount') ?? 'ssh').replace(/^\/+|\/+$/g, '')
    const args = ['enroll', '--address', call.option('broker') ?? call.broker.address, '--host', host, '--mount', mount, ...passedOn(call)]
    const token = call.flag('dryRun') ? '' : ((await givenToken(call)) ?? (await newToken(call, mount, host)))
    const { ca } = call.broker
    const variables = { ...(token && { mayfly_token: token }), ...(ca === undefined ? {} : { mayfly_ca: ca }) }
    const code = await runHostScript(call, { via, args, variables })
    // For people the script has said it.
    if (code === 0 && call.screen.format !== 'table') call.screen.json({ host, mount, enrolled: !call.flag('dryRun') })
    return code === 0 ? 0 : 1
  }
}

/** What the script knows by the same name. */
function passedOn(call: AskingCall): readonly string[] {
  const values = ['principals', 'offline', 'offlineMinutes', 'sessionsOutlive', 'interval', 'log', 'prefix', 'commandUser'].flatMap(
    name => {
      const value = call.option(name)
      return value === undefined ? [] : [`--${kebab(name)}`, value]
    }
  )
  return [
    ...values,
    ...(call.flag('withoutHelper') ? ['--no-start'] : []),
    ...['wrapped', 'dryRun'].flatMap(name => (call.flag(name) ? [`--${kebab(name)}`] : []))
  ]
}

const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)

async function givenToken(call: AskingCall): Promise<string | undefined> {
  const file = call.option('invitation')
  if (file === undefined) return undefined
  const token = file === '-' ? await call.secret('the invitation') : readToken(file)
  if (!/^[\w.-]+$/.test(token)) throw new BrokerError('invalid_request', '--invitation: this is no token')
  return token
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    throw new BrokerError('invalid_request', `--invitation: cannot read ${file}`, { cause })
  }
}

/** By an administrator's own right: the host is named, and invited once. */
async function newToken(call: AskingCall, mount: string, host: string): Promise<string> {
  const path = `${mount}/hosts/${host}`
  const names = call.list('name')
  if (names.length > 0 || !(await call.request('GET', path)))
    await call.request('POST', path, names.length > 0 ? { names: [host, ...names].join(',') } : {})
  const reply = await call.request('POST', `${path}/token`, {})
  const token = reply?.data['token']
  return typeof token === 'string' ? token : ''
}

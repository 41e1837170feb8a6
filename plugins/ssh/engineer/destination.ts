import { spawnSync } from 'node:child_process'
import { BrokerError } from 'mayfly/plugin'

/** Where ssh would go with these words, and as whom: by its own reading of them and of the user's configuration. */
export interface Destination {
  readonly user: string
  /** The name that its host key is looked for under, in lower case. */
  readonly host: string
  /** The one that is connected to. */
  readonly hostname: string
  readonly port: number
  /** Where the machine keeps known host keys, apart from the user's own. */
  readonly globalKnownHosts: string
  /** Absent: connections are not shared. */
  readonly controlPath?: string
  readonly identityAgent?: string
  readonly certificateFile?: string
  /** `[user@]host[:port]`, with commas between: over which hosts, the last is the nearest to it. */
  readonly jump?: string
  /** Another way there than the network. */
  readonly proxyCommand?: string
}

const secondsMax = 20

/** Asks `ssh -G`, which evaluates and does not connect. */
export function destinationOf(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Destination {
  const { status, stdout, stderr, error } = spawnSync('ssh', ['-G', ...args], {
    env,
    encoding: 'utf8',
    timeout: secondsMax * 1_000,
    stdio: ['ignore', 'pipe', 'pipe']
  })
  if (error) throw refusal((error as NodeJS.ErrnoException).code === 'ENOENT' ? 'ssh is not installed here' : 'ssh cannot be started')
  // Of what it does not know it goes on to say all that it knows.
  if (status !== 0) throw refusal(stderr.trim().split('\n')[0] || 'ssh does not understand this')
  const said = settings(stdout)
  const [user, hostname, port] = ['user', 'hostname', 'port'].map(name => said.get(name))
  if (!user || !hostname || !port) throw refusal('ssh does not say where it would go')
  return {
    user,
    host: (said.get('hostkeyalias') ?? hostname).toLowerCase(),
    hostname,
    port: Number(port),
    // `none` beside another file is a mistake to it.
    globalKnownHosts: (said.get('globalknownhostsfile') ?? '').replace(/^none$/, ''),
    ...named('controlPath', said.get('controlpath')),
    ...named('identityAgent', said.get('identityagent')),
    ...named('certificateFile', said.get('certificatefile')),
    ...named('jump', said.get('proxyjump')),
    ...named('proxyCommand', said.get('proxycommand'))
  }
}

/** The first of each name: with ssh that one counts. */
function settings(text: string): ReadonlyMap<string, string> {
  const said = new Map<string, string>()
  for (const line of text.split('\n')) {
    const at = line.indexOf(' ')
    const name = line.slice(0, at)
    if (at > 0 && !said.has(name)) said.set(name, line.slice(at + 1))
  }
  return said
}

function named<Name extends string>(name: Name, value: string | undefined): { readonly [name in Name]?: string } {
  return (value === undefined || value === 'none' ? {} : { [name]: value }) as { readonly [name in Name]?: string }
}

function refusal(message: string): BrokerError {
  return new BrokerError('invalid_request', message)
}

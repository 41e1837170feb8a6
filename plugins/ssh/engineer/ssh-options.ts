import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AgentSocket } from './agent/agent-socket.ts'
import type { HopLogin } from './hop-logins.ts'
import type { Hop } from './route.ts'
import { shellWord } from './shell-word.ts'

/** A login with the agent that has its certificate, where it has one. */
export interface Served {
  readonly login: HopLogin
  readonly agent: Pick<AgentSocket, 'path'> | undefined
}

/** What ssh is told for one host, before the user's own words: the first value counts. What the user's agent holds would only use up the tries that sshd gives. `folder`: private, and there until ssh ends. */
export function sshOptions(folder: string, { login, agent }: Served, over?: string): readonly string[] {
  const set = [
    ...(agent ? [`IdentityAgent=${quoted(agent.path)}`, 'IdentitiesOnly=no', 'ForwardAgent=no', 'AddKeysToAgent=no'] : []),
    ...knownHosts(folder, login),
    ...(over === undefined ? [] : [`ProxyCommand=sh ${shellWord(over).replaceAll('%', '%%')}`])
  ]
  return set.flatMap(option => ['-o', option])
}

/** The way over jump hosts, as a file of sh for each: ssh hands none of its options on to the ssh of a jump host. The last one leads to the host that is wanted; absent: there is nothing of ours on the way. */
export function jumpScript(
  folder: string,
  jumps: readonly (Served & { readonly hop: Hop })[],
  to: { readonly hostname: string; readonly port: number }
): string | undefined {
  if (jumps.every(({ agent, login }) => !agent && login.trusted === '')) return undefined
  return jumps.reduce<string | undefined>((over, jump, at) => {
    const next = jumps[at + 1]?.hop.to ?? to
    const words = ['ssh', ...sshOptions(folder, jump, over), '-W', `[${next.hostname}]:${next.port}`, ...jump.hop.words]
    const file = join(folder, `jump-${at + 1}`)
    writeFileSync(file, `exec ${words.map(shellWord).join(' ')}\n`, { mode: 0o600 })
    return file
  }, undefined)
}

/** Beside what the machine knows already; the user's own file stays where new keys go. */
function knownHosts(folder: string, { trusted, to }: HopLogin): readonly string[] {
  if (trusted === '') return []
  const file = join(folder, `known_hosts-${to.hostname.replaceAll(/[^A-Za-z0-9.-]/g, '_').slice(0, 100)}-${to.port}`)
  writeFileSync(file, trusted, { mode: 0o600 })
  return [`GlobalKnownHostsFile=${quoted(file)} ${to.globalKnownHosts}`.trim()]
}

const quoted = (path: string): string => (/\s/.test(path) ? `"${path}"` : path)

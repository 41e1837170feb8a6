/** What `mayfly ssh setup` writes: a block of ssh's configuration, and the script that it asks.
 *
 *  Two ways. `agent`: the block names the socket of an agent that holds the keys in memory, and the script starts it where it is not there. `files`: the script sees to it that a key and its certificate are in files. In both
 *  the script is a few tests in sh as long as there is nothing to do, because ssh runs it each time it reads its configuration, and editors do so all the time. */
import { shellWord } from './shell-word.ts'
import type { SshFolder } from './ssh-folder.ts'

export type Way = 'agent' | 'files'

export interface SetUp {
  readonly way: Way
  readonly patterns: readonly string[]
  /** Whose certificates of hosts are trusted lies there; ssh reads it beside these. */
  readonly globalKnownHosts: string
  /** The words that start this command line. */
  readonly program: readonly string[]
  readonly words: readonly string[]
}

const head = '# Written by mayfly ssh setup, and taken away by: mayfly ssh setup --undo'

/** Only for these hosts. When the script fails nothing of it counts, and ssh goes on as without it. */
export function configText(folder: SshFolder, { way, patterns, globalKnownHosts }: SetUp): string {
  const script = configWord(folder.file('ensure'))
  const lines = {
    agent: [`IdentityAgent "${configWord(folder.agentSocket)}"`, 'IdentitiesOnly no'],
    files: [
      `IdentityFile "${configWord(folder.file('files', 'id'))}"`,
      `CertificateFile "${configWord(folder.file('files', 'id-cert.pub'))}"`
    ]
  }
  return [
    head,
    `Match host "${patterns.join(',')}" exec "sh '${script}'"`,
    ...lines[way].map(line => `  ${line}`),
    '  ForwardAgent no',
    `  GlobalKnownHostsFile "${folder.file('known_hosts')}" ${globalKnownHosts}`.trimEnd(),
    ''
  ].join('\n')
}

export function ensureText(folder: SshFolder, { way, program, words }: SetUp): string {
  const command = [...program, 'ssh', ...(way === 'agent' ? ['agent', '--background'] : ['certificate']), ...words]
  return [
    '#!/bin/sh',
    head,
    '# Status 0: ssh may go on with what is set up for this host.',
    // `mayfly ssh` brings its own; and a look at the configuration starts nothing.
    'case "${MAYFLY_SSH_INSIDE:-}" in check) exit 0 ;; ?*) exit 1 ;; esac',
    ...(way === 'agent' ? agentTest(folder) : filesTest(folder)),
    `exec ${command.map(shellWord).join(' ')} </dev/null >/dev/null`,
    ''
  ].join('\n')
}

/** Asked as ssh will ask it. One that has nothing to offer is started anew, and says here, on the terminal of whoever waits, why it cannot. */
function agentTest(folder: SshFolder): readonly string[] {
  return [`SSH_AUTH_SOCK=${shellWord(folder.agentSocket)} ssh-add -l >/dev/null 2>&1 && exit 0`]
}

/** `fresh` is dated for the moment from which there shall be a new one. */
function filesTest(folder: SshFolder): readonly string[] {
  const [now, fresh, certificate] = [folder.file('now'), folder.file('fresh'), folder.file('files', 'id-cert.pub')].map(shellWord)
  return [`if [ -f ${fresh} ] && [ -f ${certificate} ] && touch ${now} && [ ${fresh} -nt ${now} ]; then exit 0; fi`]
}

// ssh replaces %h and the like there.
const configWord = (word: string): string => word.replaceAll('%', '%%')

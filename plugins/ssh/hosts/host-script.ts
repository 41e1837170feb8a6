/** The scripts of a host, as it downloads them: kept in rooms here, one file there. */
import { readFileSync } from 'node:fs'
import { path } from 'mayfly/plugin'
import type { Path } from 'mayfly/plugin'

const rooms = [
  '10-settings',
  '15-lock',
  '20-broker',
  '30-krl',
  '40-files',
  '50-enroll',
  '60-logins',
  '65-pam',
  '70-sessions',
  '75-ends',
  '80-sync',
  '85-push',
  '90-unenroll',
  '99-main'
]

const room = (name: string): string => readFileSync(new URL(`./script/${name}.sh`, import.meta.url), 'utf8')

export const hostScript = (): string => rooms.map(room).join('')
export const principalsScript = (): string => room('principals')
export const sessionScript = (): string => room('session')

export const hostScriptPaths: readonly Path[] = [
  path({
    pattern: 'host-script',
    summary: 'the script that makes a machine a host of this mount: sh, curl and ssh-keygen',
    open: true,
    counted: true,
    read: async () => ({ raw: Buffer.from(hostScript()), type: 'text/plain' })
  }),
  path({
    pattern: 'host-script/principals',
    summary: 'what sshd asks on a host (AuthorizedPrincipalsCommand)',
    open: true,
    counted: true,
    read: async () => ({ raw: Buffer.from(principalsScript()), type: 'text/plain' })
  }),
  path({
    pattern: 'host-script/session',
    summary: 'what PAM calls on a host where sshd has no log to read',
    open: true,
    counted: true,
    read: async () => ({ raw: Buffer.from(sessionScript()), type: 'text/plain' })
  })
]

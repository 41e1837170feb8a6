/** One login at an sshd of its own, which runs as the client's ProxyCommand: no port, no wait, and a configuration for each case. It has no peer address, so `source-address` never matches here. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { ssh } from './ssh-client.ts'
import type { SshEnd } from './ssh-client.ts'
import { findSshd, linesOfThisVersion, makeKey } from './sshd-programs.ts'

export interface OneLogin {
  /** Lines of sshd's configuration; they come first, and the first word counts. */
  readonly config?: readonly string[]
  /** The user's key in a file, and a line of a certificate. */
  readonly key: string
  readonly certificate?: string
  /** The host's certificate, as a line. */
  readonly hostCertificate?: string
  readonly options?: readonly string[]
  readonly knownHosts?: string
  readonly host?: string
  readonly command?: readonly string[]
}

export class SshdStand implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'mayfly-sshd-once-'))
  readonly user = userInfo().username
  readonly hostKey = join(this.folder, 'host')
  #count = 0

  constructor() {
    makeKey(this.hostKey)
  }

  /** A file of this stand with such content. */
  file(name: string, content: string | Uint8Array): string {
    const file = join(this.folder, name)
    writeFileSync(file, content, { mode: 0o600 })
    return file
  }

  key(name: string, ...options: readonly string[]): string {
    const file = join(this.folder, name)
    makeKey(file, ...options)
    return file
  }

  async login(login: OneLogin): Promise<SshEnd & { readonly accepted: boolean; readonly log: string }> {
    const name = `case-${++this.#count}`
    const hostLines =
      login.hostCertificate === undefined ? [] : [`HostCertificate ${this.file(`${name}-host-cert.pub`, `${login.hostCertificate}\n`)}`]
    const lines = [...hostLines, ...(login.config ?? []), ...fixed(this.hostKey), ...linesOfThisVersion()]
    const config = this.file(`${name}.conf`, `${lines.join('\n')}\n`)
    const end = await ssh(
      {
        key: login.key,
        user: this.user,
        host: login.host ?? '127.0.0.1',
        ...(login.certificate === undefined ? {} : { certificate: this.file(`${name}-cert.pub`, `${login.certificate}\n`) }),
        ...(login.knownHosts === undefined ? {} : { knownHosts: login.knownHosts }),
        options: [`ProxyCommand=${findSshd()} -i -f ${config} -E ${join(this.folder, `${name}.log`)}`, ...(login.options ?? [])]
      },
      login.command
    )
    const file = join(this.folder, `${name}.log`)
    const log = existsSync(file) ? readFileSync(file, 'utf8') : ''
    return { ...end, accepted: /^Accepted publickey for /m.test(log), log }
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function fixed(hostKey: string): readonly string[] {
  return [
    `HostKey ${hostKey}`,
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'AuthorizedKeysFile none',
    'LogLevel VERBOSE'
  ]
}

/** A private sshd on a high port, laid out below a folder as on a machine: `etc/ssh`, `run/sshd.pid`, `var/log/auth.log`. It runs as whoever runs the tests, and only that user can log in. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { findSshd, linesOfThisVersion, makeKey } from './sshd-programs.ts'

const host = '127.0.0.1'
const startSecondsMax = 20

// Its parent ends it when we end without a word, and takes its folder along.
const keeper = `folder=$1; shift; "$@" & pid=$!; read -r word; kill -TERM "$pid" 2>/dev/null; wait "$pid"; rm -rf "$folder"`

export class SshdServer implements AsyncDisposable {
  readonly host = host
  readonly port: number
  /** The prefix below which everything of it lies. */
  readonly folder: string
  readonly user = userInfo().username
  readonly logFile: string
  readonly hostKey: string
  readonly configFile: string
  readonly #process: ChildProcess

  private constructor(folder: string, port: number, lines: readonly string[]) {
    this.folder = folder
    this.port = port
    this.logFile = join(folder, 'var/log/auth.log')
    this.hostKey = join(folder, 'etc/ssh/ssh_host_ed25519_key')
    this.configFile = join(folder, 'etc/ssh/sshd_config')
    for (const part of ['etc/ssh/sshd_config.d', 'run', 'var/log']) mkdirSync(join(folder, part), { recursive: true })
    makeKey(this.hostKey)
    writeFileSync(this.configFile, `${[...lines, ...this.#settings()].join('\n')}\n`)
    this.#process = spawn('sh', ['-c', keeper, 'sshd-keeper', folder, findSshd(), '-D', '-f', this.configFile, '-E', this.logFile], {
      stdio: ['pipe', 'ignore', 'ignore']
    })
  }

  /** `lines`: what stands first in its configuration, where the first word counts. */
  static async start(lines: readonly string[] = []): Promise<SshdServer> {
    const folder = mkdtempSync(join(tmpdir(), 'mayfly-sshd-'))
    // What sshd asks runs as somebody else.
    chmodSync(folder, 0o755)
    const server = new SshdServer(folder, await freePort(), lines)
    try {
      await server.#ready()
      return server
    } catch (error) {
      await server[Symbol.asyncDispose]()
      throw error
    }
  }

  get log(): string {
    return readFileSync(this.logFile, 'utf8').replaceAll('\r\n', '\n')
  }

  /** Until the log has it: sshd writes a moment after the client knows. */
  async logged(pattern: RegExp): Promise<void> {
    const until = performance.now() + startSecondsMax * 1_000
    while (!pattern.test(this.log)) {
      if (performance.now() > until) throw new Error(`the log never had ${pattern}:\n${this.log.slice(-3_000)}`)
      await wait(20)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise(resolve => this.#process.once('exit', resolve))
    this.#process.stdin?.end('the end\n')
    if (this.#process.exitCode === null) await ended
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }

  #settings(): readonly string[] {
    return [
      `Include ${this.folder}/etc/ssh/sshd_config.d/*.conf`,
      `Port ${this.port}`,
      `ListenAddress ${host}`,
      `HostKey ${this.hostKey}`,
      `PidFile ${this.folder}/run/sshd.pid`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'AuthorizedKeysFile none',
      'MaxStartups 200',
      'LogLevel VERBOSE',
      ...linesOfThisVersion()
    ]
  }

  async #ready(): Promise<void> {
    const until = performance.now() + startSecondsMax * 1_000
    while (!(await answers(this.port))) {
      if (performance.now() > until || this.#process.exitCode !== null) throw new Error(`sshd did not start:\n${this.log.slice(-2_000)}`)
      await wait(20)
    }
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, host)
    socket.once('data', () => socket.end(() => resolve(true)))
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
  })
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, host, resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return address.port
}

/** One MariaDB or MySQL server in a folder of its own: it can be stopped, started again and killed, and it does not outlive us, however we end. */
import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync, chownSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { findMysql } from './mysql-flavours.ts'
import type { Flavour, MysqlBinaries } from './mysql-flavours.ts'
import { makeOwnFolder, unprivileged } from './postgres-binaries.ts'

export interface MysqlServerOptions {
  readonly flavour: Flavour
  /** Options of the server, such as `{ event_scheduler: 'OFF' }`. */
  readonly settings: Readonly<Record<string, string>>
  /** Files of a server that has TLS: `cert.pem`, `key.pem`, `ca.pem`. */
  readonly tls: Readonly<Record<string, string>>
  readonly superuser: string
  readonly password: string
}

// Reads until we end. When we end without a word, what was ours goes: the server is told to end, then killed; its folder is removed.
// In a session of its own, so that Ctrl-C reaches neither this nor the server before us.
const watchdog = `
trap '' INT TERM HUP
read -r word && exit 0
pid=$(head -n 1 "$1/pid" 2>/dev/null)
[ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null
sleep 0.5
rm -rf "$1"
`

const startSecondsMax = 60
const host = '127.0.0.1'

export class MysqlServer implements AsyncDisposable {
  readonly host = host
  readonly port: number
  readonly folder: string
  readonly logFile: string
  readonly #binaries: MysqlBinaries
  readonly #options: MysqlServerOptions
  readonly #user: ReturnType<typeof unprivileged> | undefined
  readonly #watchdog: ChildProcess
  #process: ChildProcess | undefined

  private constructor(options: MysqlServerOptions, folder: string, port: number, user: ReturnType<typeof unprivileged> | undefined) {
    this.#binaries = findMysql(options.flavour)
    this.#options = options
    this.#user = user
    this.folder = folder
    this.port = port
    this.logFile = join(folder, 'general.log')
    this.#watchdog = spawn('sh', ['-c', watchdog, 'mysql-watchdog', folder], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      cwd: '/',
      ...user
    })
    this.#watchdog.unref()
  }

  static async start(options: MysqlServerOptions): Promise<MysqlServer> {
    const user = process.getuid?.() === 0 ? unprivileged() : undefined
    const folder = makeOwnFolder('/tmp', `mayfly-${options.flavour}-`, user)
    const server = new MysqlServer(options, folder, await freePort(), user)
    try {
      await server.#initialise()
      await server.start()
      return server
    } catch (error) {
      await server[Symbol.asyncDispose]()
      throw error
    }
  }

  get running(): boolean {
    return this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null
  }

  get pid(): number {
    if (!this.#process?.pid) throw new Error('the server does not run')
    return this.#process.pid
  }

  /** Starts it, again after `stop` or `kill`, on the same port. */
  async start(): Promise<void> {
    const log = openSync(join(this.folder, 'error.log'), 'a', 0o600)
    const [command, ...first] = this.#binaries.server
    this.#process = spawn(command, [...first, ...this.#arguments()], {
      stdio: ['ignore', log, log],
      detached: true,
      cwd: '/',
      env: environment(),
      ...this.#user
    })
    closeSync(log)
    this.#process.unref()
    const until = performance.now() + startSecondsMax * 1_000
    while (this.running && performance.now() < until) {
      if (this.#errorTail().includes('ready for connections')) return
      await wait(20)
    }
    throw new Error(`${this.#options.flavour} did not start:\n${this.#errorTail()}`)
  }

  /** Ends it in order; sessions are ended. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM')
  }

  /** SIGKILL: no word to clients, no checkpoint. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end('SIGKILL')
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10 })
    this.#watchdog.stdin?.end('all is over\n')
  }

  async #initialise(): Promise<void> {
    const { superuser, password, tls } = this.#options
    this.#write('init.sql', firstAccount(superuser, password))
    for (const [name, pem] of Object.entries(tls)) this.#write(name, pem)
    mkdirSync(join(this.folder, 'tmp'))
    if (this.#user) chownSync(join(this.folder, 'tmp'), this.#user.uid, this.#user.gid)
    const [command, ...rest] = this.#binaries.initialise(join(this.folder, 'data'), join(this.folder, 'tmp'))
    await promisify(execFile)(command, rest, { cwd: '/', env: environment(), ...this.#user })
  }

  #write(name: string, text: string): void {
    const file = join(this.folder, name)
    writeFileSync(file, text, { mode: 0o600 })
    if (this.#user) chownSync(file, this.#user.uid, this.#user.gid)
  }

  #arguments(): readonly string[] {
    const { folder } = this
    const fixed = {
      datadir: join(folder, 'data'),
      tmpdir: join(folder, 'tmp'),
      'pid-file': join(folder, 'pid'),
      socket: join(folder, 'socket'),
      'bind-address': host,
      port: String(this.port),
      'init-file': join(folder, 'init.sql'),
      'general-log': 'ON',
      'general-log-file': this.logFile,
      'innodb-buffer-pool-size': '32M',
      'max-connections': '200'
    }
    // Counts how often it has come up: the log is one over all starts.
    writeFileSync(join(folder, 'error.log'), '')
    return [
      ...Object.entries(fixed).map(([name, value]) => `--${name}=${value}`),
      '--skip-name-resolve',
      ...Object.keys(this.#options.tls).map(name => `--ssl-${name.replace('.pem', '')}=${join(folder, name)}`),
      ...this.#binaries.arguments,
      ...Object.entries(this.#options.settings).map(([name, value]) => `--${name.replaceAll('_', '-')}=${value}`)
    ]
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (!this.running) return
    const ended = new Promise(resolve => this.#process?.once('exit', resolve))
    this.#process?.ref()
    this.#process?.kill(signal)
    await ended
  }

  #errorTail(): string {
    return readFileSync(join(this.folder, 'error.log'), 'utf8').slice(-3_000)
  }
}

/** Run at each start; one statement a line. */
function firstAccount(name: string, password: string): string {
  return [
    'set sql_log_off = 1;',
    `create user if not exists '${name}'@'%' identified by '${password}';`,
    `grant all privileges on *.* to '${name}'@'%' with grant option;`,
    ''
  ].join('\n')
}

/** Nothing of ours reaches it. */
const environment = (): Record<string, string> => ({ PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/bin:/bin`, LC_ALL: 'C', TZ: 'UTC' })

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, host, resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return address.port
}

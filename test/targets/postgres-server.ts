/** One PostgreSQL server in a folder of its own: it can be stopped, started again and killed, and it does not outlive us, however we end. */
import { execFile, spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { findPostgres, makeOwnFolder } from './postgres-binaries.ts'
import type { PostgresBinaries } from './postgres-binaries.ts'

export interface PostgresServerOptions {
  /** Settings of postgresql.conf. */
  readonly settings: Readonly<Record<string, string>>
  readonly superuser: string
  readonly password: string
  /** Leave the folder there at the end, for a look at the log. */
  readonly keep: boolean
}

// Reads until we end. When we end without a word, what was ours goes: the server is told to quit, then killed; its folder is removed.
// In a session of its own, so that Ctrl-C reaches neither this nor the server before us.
const watchdog = `
trap '' INT TERM HUP
read -r word && exit 0
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ] && kill -QUIT "$pid" 2>/dev/null; then
  for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do kill -0 "$pid" 2>/dev/null || break; sleep 0.25; done
  kill -KILL "$pid" 2>/dev/null
fi
[ "$2" = keep ] || rm -rf "$1"
`

const startSecondsMax = 60
const host = '127.0.0.1'

export class PostgresServer implements AsyncDisposable {
  readonly host = host
  readonly port: number
  readonly folder: string
  readonly logFile: string
  readonly #binaries: PostgresBinaries
  readonly #options: PostgresServerOptions
  readonly #watchdog: ChildProcess
  #process: ChildProcess | undefined

  private constructor(binaries: PostgresBinaries, options: PostgresServerOptions, folder: string, port: number) {
    this.#binaries = binaries
    this.#options = options
    this.folder = folder
    this.port = port
    this.logFile = join(folder, 'server.log')
    this.#watchdog = spawn('sh', ['-c', watchdog, 'postgres-watchdog', folder, options.keep ? 'keep' : ''], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      cwd: '/',
      ...binaries.user
    })
    this.#watchdog.unref()
  }

  static async start(options: PostgresServerOptions): Promise<PostgresServer> {
    const binaries = findPostgres()
    const folder = makeOwnFolder(binaries.tmp, 'mayfly-postgres-data-', binaries.user)
    const server = new PostgresServer(binaries, options, folder, await freePort())
    try {
      await server.#initialise()
      await server.start()
      return server
    } catch (error) {
      await server[Symbol.asyncDispose]()
      throw error
    }
  }

  get pid(): number {
    if (!this.#process?.pid) throw new Error('the server does not run')
    return this.#process.pid
  }

  get running(): boolean {
    return this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null
  }

  /** Starts it, again after `stop` or `kill`, on the same port. */
  async start(): Promise<void> {
    const until = performance.now() + startSecondsMax * 1_000
    while (!(await this.#tryStart(until))) {
      // After a kill its children may hold the shared memory for a moment.
      if (performance.now() > until || !this.#logTail().includes('still in use'))
        throw new Error(`PostgreSQL did not start:\n${this.#logTail()}`)
      await wait(100)
    }
  }

  /** Ends it in order; sessions are ended. */
  async stop(): Promise<void> {
    await this.#end('SIGINT')
  }

  /** As if the power went: every process of it at once, no word to clients, no checkpoint. */
  async kill(): Promise<void> {
    if (!this.running) return
    // Backends outlive their parent for a while and answer; stopped, it makes no new ones.
    this.#process?.kill('SIGSTOP')
    for (const child of childrenOf(this.pid)) killIfThere(child)
    await this.#end('SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end('SIGQUIT')
    if (!this.#options.keep) await rm(this.folder, { recursive: true, force: true, maxRetries: 10 })
    this.#watchdog.stdin?.end('all is over\n')
  }

  async #initialise(): Promise<void> {
    const { superuser, password } = this.#options
    const passwordFile = join(this.folder, 'password')
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o644 })
    const initdb = [
      `--pgdata=${join(this.folder, 'data')}`,
      `--username=${superuser}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync'
    ]
    await promisify(execFile)(join(this.#binaries.folder, 'bin', 'initdb'), initdb, {
      cwd: '/',
      env: this.#environment(),
      ...this.#binaries.user
    })
    await rm(passwordFile)
  }

  /** False when it ended before it was ready. */
  async #tryStart(until: number): Promise<boolean> {
    const log = openSync(this.logFile, 'a', 0o600)
    const data = join(this.folder, 'data')
    const args = [
      '-D',
      data,
      ...Object.entries({ ...fixed(this.port), ...this.#options.settings }).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    ]
    this.#process = spawn(join(this.#binaries.folder, 'bin', 'postgres'), args, {
      stdio: ['ignore', log, log],
      detached: true,
      cwd: '/',
      env: this.#environment(),
      ...this.#binaries.user
    })
    closeSync(log)
    this.#process.unref()
    while (this.running && performance.now() < until) {
      if (isReady(data, this.#process.pid)) return true
      await wait(10)
    }
    await this.#end('SIGKILL')
    return false
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (!this.running) return
    const ended = new Promise(resolve => this.#process?.once('exit', resolve))
    this.#process?.ref()
    this.#process?.kill(signal)
    await ended
  }

  #logTail(): string {
    return readFileSync(this.logFile, 'utf8').slice(-2_000)
  }

  /** Nothing of ours reaches it: neither settings of other clients, nor a locale that it lacks. */
  #environment(): Record<string, string> {
    return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
  }
}

function fixed(port: number): Readonly<Record<string, string>> {
  return { port: String(port), listen_addresses: host, unix_socket_directories: '', max_connections: '200' }
}

/** The last line of postmaster.pid says how far it is; the first is of which process, for an old file may lie there. */
function isReady(data: string, pid: number | undefined): boolean {
  try {
    const lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')
    return lines[0] === String(pid) && lines[7]?.trim() === 'ready'
  } catch {
    return false
  }
}

function childrenOf(parent: number): readonly number[] {
  if (process.platform !== 'linux')
    return spawnSync('pgrep', ['-P', String(parent)], { encoding: 'utf8' })
      .stdout.split('\n')
      .filter(Boolean)
      .map(Number)
  return readdirSync('/proc')
    .filter(entry => /^\d+$/.test(entry))
    .map(Number)
    .filter(pid => parentOf(pid) === parent)
}

function parentOf(pid: number): number | undefined {
  try {
    // `pid (name) state ppid`, and a name may hold anything.
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1])
  } catch {
    return undefined
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself in between.
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, host, resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return address.port
}

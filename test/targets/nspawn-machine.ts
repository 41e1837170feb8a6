/** A machine with a systemd, a journal, PAM and an sshd of its own, from a tree that debootstrap made: what is written in it is gone with it. It shares our network, so that its sshd has a high port. */
import { execFile, spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as wait } from 'node:timers/promises'

// By name only: they are the system's, no package brings them.
const [nspawn, nsenter] = ['systemd-nspawn', 'nsenter']
const bootSecondsMax = 60
const commandSecondsMax = 90

// Its parent ends it when we end without a word.
const keeper = `"$@" & pid=$!; read -r word; kill -TERM "$pid" 2>/dev/null; wait "$pid"`

/** Of the folders that MAYFLY_SSHD_ROOTS names, separated by colons; each made by: debootstrap --variant=minbase --include=systemd-sysv,dbus,libpam-systemd,openssh-server,curl,procps RELEASE FOLDER */
export function sshdRoots(): readonly string[] {
  return (process.env['MAYFLY_SSHD_ROOTS'] ?? '').split(':').filter(Boolean)
}

/** Why no machine can be started here. */
export function machinesMissing(): string | undefined {
  if (sshdRoots().length === 0) return 'no machines with other releases of OpenSSH: MAYFLY_SSHD_ROOTS names no folders'
  if (process.getuid?.() !== 0) return 'machines with other releases of OpenSSH are started by root alone'
  return spawnSync(nspawn, ['--version']).status === 0 ? undefined : 'no systemd-nspawn: apt-get install systemd-container'
}

export interface Said {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export class NspawnMachine implements AsyncDisposable {
  readonly port: number
  readonly #folder = mkdtempSync(join(tmpdir(), 'mayfly-machine-'))
  readonly #process: ChildProcess
  #init = 0

  private constructor(root: string, port: number) {
    this.port = port
    const config = join(this.#folder, 'port.conf')
    // Since there is such a program refusals lock out all who come from the same address, which are all of a suite.
    const more = existsSync(join(root, 'usr/lib/openssh/sshd-session')) ? 'PerSourcePenalties no\n' : ''
    writeFileSync(config, `Port ${port}\nListenAddress 127.0.0.1\nMaxStartups 200\n${more}`)
    const name = `mayfly-${process.pid}-${port}`
    // A tree of our own to write in, no host that would have to know of it, and what newer systemds insist on.
    const words = ['-q', '--register=no', '--keep-unit', '--volatile=overlay', '--console=pipe', `--machine=${name}`, `--directory=${root}`]
    // A process in it that minds no signal would hold up its end for a minute and a half.
    words.push('--kill-signal=SIGKILL')
    this.#process = spawn(
      'sh',
      ['-c', keeper, 'machine-keeper', nspawn, ...words, `--bind-ro=${config}:/etc/ssh/sshd_config.d/00-port.conf`, '--boot'],
      { stdio: ['pipe', 'ignore', 'ignore'], env: { ...process.env, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1' } }
    )
  }

  static async start(root: string, port: number): Promise<NspawnMachine> {
    const machine = new NspawnMachine(root, port)
    try {
      await machine.#booted()
      return machine
    } catch (error) {
      await machine[Symbol.asyncDispose]()
      throw error
    }
  }

  /** As root, with `input` for a shell. */
  run(input: string, words: readonly string[] = []): Promise<Said> {
    return new Promise(resolve => {
      const inside = ['-t', String(this.#init), '-m', '-p', '-n', '-u', '-i', '-C', '-r', '-w', 'env', '-i']
      const shell = ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'sh', '-s', '--', ...words]
      const child = execFile(nsenter, [...inside, ...shell], { timeout: commandSecondsMax * 1_000 }, (error, stdout, stderr) =>
        resolve({ code: error ? (typeof error.code === 'number' ? error.code : 255) : 0, stdout, stderr })
      )
      child.stdin?.on('error', () => undefined)
      child.stdin?.end(input)
    })
  }

  /** What a command says; one that fails fails the test. */
  async must(command: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(command)
    if (code !== 0) throw new Error(`${command}: ${code} ${stderr}`)
    return stdout.trim()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise(resolve => this.#process.once('exit', resolve))
    this.#process.stdin?.end('the end\n')
    if (this.#process.exitCode === null) await ended
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #booted(): Promise<void> {
    const until = performance.now() + bootSecondsMax * 1_000
    for (;;) {
      if (performance.now() > until || this.#process.exitCode !== null) throw new Error('the machine did not start')
      this.#init = initBelow(this.#process.pid ?? 0)
      if (this.#init > 0 && /^(running|degraded)/.test((await this.run('systemctl is-system-running')).stdout)) return
      await wait(200)
    }
  }
}

/** The first process in the machine: keeper, systemd-nspawn, its. */
function initBelow(keeperPid: number): number {
  const [container] = childrenOf(keeperPid)
  const [init] = container === undefined ? [] : childrenOf(container)
  return init !== undefined && readFileSync(`/proc/${init}/comm`, 'utf8').startsWith('systemd') ? init : 0
}

function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

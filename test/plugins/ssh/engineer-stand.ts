/** An engineer at a machine with the system's own ssh, a host that enrolled, and a broker. */
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { HostStand } from './hosts-stand.ts'
import type { Ran } from './hosts-stand.ts'

const main = join(import.meta.dirname, '../../../src/main.ts')
const secondsMax = 60

export class EngineerStand implements AsyncDisposable {
  readonly hosts: HostStand
  /** What the engineer's shell has. */
  readonly env: Record<string, string>
  readonly home = mkdtempSync(join(tmpdir(), 'mayfly-engineer-'))

  private constructor(hosts: HostStand, token: string) {
    this.hosts = hosts
    mkdirSync(join(this.home, '.ssh'), { mode: 0o700 })
    mkdirSync(join(this.home, 'bin'))
    this.configure('')
    // ssh looks for its user's home in the list of accounts, not in HOME.
    writeFileSync(join(this.home, 'bin/ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F ${this.home}/.ssh/config "$@"\n`)
    chmodSync(join(this.home, 'bin/ssh'), 0o755)
    this.env = {
      PATH: `${this.home}/bin:${process.env['PATH']}`,
      HOME: this.home,
      XDG_RUNTIME_DIR: this.home,
      MAYFLY_ADDR: hosts.broker.address,
      MAYFLY_TOKEN: token
    }
  }

  /** Of a token that may sign for the one role, and read what the mount says to engineers. */
  static async open(): Promise<EngineerStand> {
    const hosts = await HostStand.open()
    const { code, stderr } = await hosts.enroll()
    if (code !== 0) throw new Error(stderr)
    const stand = new EngineerStand(hosts, '')
    await stand.policy('engineer', { 'ssh/sign/ops': 'update', 'ssh/access': 'read' })
    stand.env['MAYFLY_TOKEN'] = await stand.token('engineer')
    return stand
  }

  async policy(name: string, paths: Readonly<Record<string, string>>): Promise<void> {
    const policy = Object.entries(paths).map(([path, capability]) => `path "${path}" { capabilities = ["${capability}"] }`)
    await this.hosts.ask('POST', `sys/policies/acl/${name}`, { policy: policy.join('\n') })
  }

  async token(...policies: readonly string[]): Promise<string> {
    const { auth } = await this.hosts.ask('POST', 'auth/token/create', { policies })
    return auth.client_token
  }

  /** The user's own configuration of ssh, above what goes for the host of the tests. */
  configure(text: string): void {
    writeFileSync(
      join(this.home, '.ssh/config'),
      `${text}Host *\n  UserKnownHostsFile ${this.home}/.ssh/known_hosts\n  StrictHostKeyChecking yes\n  BatchMode yes\n  LogLevel ERROR\n`
    )
  }

  get destination(): readonly string[] {
    return ['-p', String(this.hosts.sshd.port), `${this.hosts.sshd.user}@127.0.0.1`]
  }

  /** `mayfly`, as the engineer types it. */
  mayfly(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
    return run(process.execPath, [main, ...words], { ...this.env, ...env })
  }

  program(name: string, ...args: readonly string[]): Promise<Ran> {
    return run(name, args, this.env)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hosts[Symbol.asyncDispose]()
    rmSync(this.home, { recursive: true, force: true })
  }
}

function run(program: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: secondsMax * 1_000, env })
    const texts = { stdout: '', stderr: '' }
    child.stdout.on('data', chunk => void (texts.stdout += String(chunk)))
    child.stderr.on('data', chunk => void (texts.stderr += String(chunk)))
    child.once('error', reject)
    child.once('close', code => resolve({ code: code ?? 255, ...texts }))
  })
}

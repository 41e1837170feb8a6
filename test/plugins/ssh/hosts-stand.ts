/** A broker with an SSH mount, a real sshd, and the host's script between them, as an administrator would have it. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostScript } from '../../../plugins/ssh/hosts/host-script.ts'
import { openSession, ssh } from '../../targets/ssh-client.ts'
import type { SshLogin } from '../../targets/ssh-client.ts'
import { makeKey } from '../../targets/sshd-programs.ts'
import { SshdServer } from '../../targets/sshd-server.ts'
import { BadWay } from './hosts-way.ts'
import { serveInMemory } from '../../wire/serve-in-memory.ts'
import type { Served, WireReply } from '../../wire/serve-in-memory.ts'

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface UserCertificate extends SshLogin {
  readonly lease: string
  readonly serial: string
}

const scriptSecondsMax = 60

export class HostStand implements AsyncDisposable {
  readonly broker: Served
  readonly sshd: SshdServer
  /** What the host takes for its broker. */
  readonly way: BadWay
  readonly folder = mkdtempSync(join(tmpdir(), 'mayfly-host-stand-'))
  readonly #script = join(this.folder, 'mayfly-host.sh')
  #keys = 0

  private constructor(broker: Served, sshd: SshdServer, way: BadWay) {
    this.broker = broker
    this.sshd = sshd
    this.way = way
    writeFileSync(this.#script, hostScript())
  }

  /** With a CA, a role `ops` that signs for the user of the tests, and a host `web1` that is named and not enrolled. */
  static async open(): Promise<HostStand> {
    const broker = await serveInMemory()
    const stand = new HostStand(broker, await SshdServer.start(), await BadWay.open(broker.address))
    await stand.ask('POST', 'sys/mounts/ssh', { type: 'ssh' })
    await stand.ask('POST', 'ssh/config/ca', {})
    await stand.ask('POST', 'ssh/roles/ops', {
      key_type: 'ca',
      allow_user_certificates: true,
      allowed_users: '*',
      default_user: stand.sshd.user,
      ttl: '10m'
    })
    await stand.ask('POST', 'ssh/hosts/web1', { names: 'web1.example.com,web1,127.0.0.1' })
    return stand
  }

  /** What the broker says; a refusal fails the test. */
  async ask(method: string, path: string, body?: unknown): Promise<WireReply['json']> {
    const { status, json } = await this.broker.ask(method, path, body)
    if (status >= 400) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(json)}`)
    return json
  }

  async token(): Promise<string> {
    return (await this.ask('POST', 'ssh/hosts/web1/token', {}))['data'].token as string
  }

  /** As `mayfly-host` on the host, with dash where there is one. */
  run(command: string, ...args: readonly string[]): Promise<Ran> {
    return this.runWith({}, command, ...args)
  }

  runWith(env: Readonly<Record<string, string>>, command: string, ...args: readonly string[]): Promise<Ran> {
    return runScript([this.#script, command, '--prefix', this.sshd.folder, ...args], env)
  }

  /** As `run`, for as long as somebody lets it. */
  start(command: string): ChildProcess {
    return spawn('sh', [this.path('usr/libexec/mayfly-host'), command, '--prefix', this.sshd.folder], { stdio: 'ignore' })
  }

  /** Paths that the host has asked for. */
  get requests(): readonly string[] {
    return this.way.requests
  }

  /** Done when sshd has read its configuration again: until then it lets nobody in by a certificate, or is not there at all. */
  async enroll(...args: readonly string[]): Promise<Ran> {
    const ran = await this.runWith({ mayfly_token: await this.token() }, 'enroll', ...this.enrolment, ...args)
    if (ran.code === 0) await this.sshd.logged(/Received SIGHUP[^]*Server listening/)
    return ran
  }

  /** Killed, without a word, when it is about to begin its `step`th external command. */
  async enrollUntil(step: number): Promise<Ran & { readonly steps: number }> {
    const count = join(this.folder, 'count')
    const bin = join(this.folder, 'bin')
    mkdirSync(bin, { recursive: true })
    for (const program of ['mv', 'cp', 'chmod', 'sync', 'mkdir', 'curl', 'ssh-keygen', 'rm', 'cmp', 'kill', 'awk'])
      writeFileSync(join(bin, program), counting(program, count, step), { mode: 0o755 })
    writeFileSync(count, '')
    const ran = await this.runWith(
      { mayfly_token: await this.token(), PATH: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin` },
      'enroll',
      ...this.enrolment,
      '--principals',
      'names'
    )
    return { ...ran, steps: readFileSync(count, 'utf8').length }
  }

  /** Of a host that is known already, or that asks in vain. */
  enrollWithout(...args: readonly string[]): Promise<Ran> {
    return this.run('enroll', ...this.enrolment, ...args)
  }

  get enrolment(): readonly string[] {
    const { logFile, user } = this.sshd
    return ['--address', this.way.address, '--host', 'web1', '--log', logFile, '--command-user', user, '--no-start']
  }

  /** A new key with its certificate. */
  async certificate(fields: Readonly<Record<string, unknown>> = {}): Promise<UserCertificate> {
    const key = join(this.folder, `id-${++this.#keys}`)
    makeKey(key)
    const { data, lease_id: lease } = await this.ask('POST', 'ssh/sign/ops', { public_key: readFileSync(`${key}.pub`, 'utf8'), ...fields })
    // Not beside the key by ssh's own name: ssh would take it without being told.
    const certificate = `${key}.certificate`
    writeFileSync(certificate, data.signed_key)
    const { user, port } = this.sshd
    return { key, certificate, user, port, lease, serial: data.serial }
  }

  /** 400: it is over. */
  async leaseStatus({ lease }: UserCertificate): Promise<number> {
    return (await this.broker.ask('POST', 'sys/leases/lookup', { lease_id: lease })).status
  }

  async mayLogIn(login: SshLogin): Promise<boolean> {
    return (await ssh(login)).code === 0
  }

  session = openSession

  path(file: string): string {
    return join(this.sshd.folder, file)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sshd[Symbol.asyncDispose]()
    await this.way[Symbol.asyncDispose]()
    await this.broker[Symbol.asyncDispose]()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** A program that notes each call of it, and ends the script that calls it when its time has come. */
function counting(program: string, count: string, step: number): string {
  return `#!/bin/sh
printf x >>${count}
if [ "$(wc -c <${count})" -ge ${step} ]; then kill -KILL "$PPID"; exit 1; fi
PATH=/usr/sbin:/usr/bin:/sbin:/bin
exec ${program} "$@"
`
}

function runScript(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: scriptSecondsMax * 1_000,
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...env }
    })
    const texts = { stdout: '', stderr: '' }
    child.stdout.on('data', chunk => void (texts.stdout += String(chunk)))
    child.stderr.on('data', chunk => void (texts.stderr += String(chunk)))
    child.once('error', reject)
    child.once('close', code => resolve({ code: code ?? 255, ...texts }))
  })
}

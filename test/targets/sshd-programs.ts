/** The OpenSSH of this machine, which is the judge of what we make. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import process from 'node:process'

const keygen = 'ssh-keygen'
const places = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/sbin/sshd']

/** Why there is no sshd to test with here, or undefined when there is one. */
export function sshdMissing(): string | undefined {
  if (!places.some(existsSync)) return 'no sshd on this machine: apt-get install openssh-server'
  for (const program of ['ssh', keygen, 'curl'])
    if (spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0) return `no ${program} on this machine`
  return undefined
}

/** By its absolute path: it starts itself again. As root it wants the folder that its service makes. */
export function findSshd(): string {
  const sshd = places.find(existsSync)
  if (!sshd) throw new Error(sshdMissing())
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  return sshd
}

/** As a number: 9.2. */
export function opensshVersion(): number {
  return Number(/OpenSSH_(\d+\.\d+)/.exec(spawnSync('ssh', ['-V'], { encoding: 'utf8' }).stderr)?.[1] ?? 0)
}

/** Lines that a version knows, and another refuses to start with. */
export function linesOfThisVersion(): readonly string[] {
  // Without it four refused logins from one address lock out the rest of a suite.
  return opensshVersion() >= 9.8 ? ['PerSourcePenalties no'] : []
}

/** A key pair in files, `file` and `file.pub`. */
export function makeKey(file: string, ...options: readonly string[]): void {
  execFileSync(keygen, ['-q', '-N', '', '-C', '', '-f', file, ...(options.length > 0 ? options : ['-t', 'ed25519'])])
}

/** What ssh-keygen reads in a KRL. */
export function listKrl(file: string): Buffer {
  return execFileSync(keygen, ['-Q', '-l', '-f', file])
}

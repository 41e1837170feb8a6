/** The machine's own ssh, with nothing of the user's configuration. */
import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'

export interface SshLogin {
  /** A private key in a file. */
  readonly key: string
  readonly certificate?: string
  readonly user: string
  readonly host?: string
  readonly port?: number
  readonly options?: readonly string[]
  readonly knownHosts?: string
}

export interface SshEnd {
  /** 255: ssh itself failed, which is what a refusal looks like. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const secondsMax = 30

/** One command over one connection. */
export function ssh(login: SshLogin, command: readonly string[] = ['true']): Promise<SshEnd> {
  return new Promise(resolve => {
    const child = execFile('ssh', [...words(login), ...command], { timeout: secondsMax * 1_000 }, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === 'number' ? error.code : 255) : 0
      resolve({ code, stdout, stderr })
    })
    child.stdin?.end()
  })
}

/** A session that is held open: it has begun when it said `ready`. `first`: what it runs before. */
export async function openSession(
  login: SshLogin,
  first = ''
): Promise<{ readonly child: ChildProcess; readonly ended: Promise<number | null> }> {
  const child = spawn('ssh', [...words(login), `${first} echo ready; cat >/dev/null; sleep 1000`], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<number | null>(resolve => child.once('exit', code => resolve(code)))
  const ready = new Promise<void>(resolve => child.stdout.once('data', () => resolve()))
  await Promise.race([ready, ended.then(code => Promise.reject(new Error(`ssh ended with ${code} before the session began`)))])
  return { child, ended }
}

function words({ key, certificate, user, host = '127.0.0.1', port, options = [], knownHosts }: SshLogin): readonly string[] {
  const settings = [
    'IdentitiesOnly=yes',
    'IdentityAgent=none',
    'GlobalKnownHostsFile=none',
    'BatchMode=yes',
    'PreferredAuthentications=publickey',
    'ConnectTimeout=20',
    'LogLevel=ERROR',
    ...(knownHosts === undefined
      ? ['UserKnownHostsFile=/dev/null', 'StrictHostKeyChecking=no']
      : [`UserKnownHostsFile=${knownHosts}`, 'StrictHostKeyChecking=yes']),
    ...(certificate === undefined ? [] : [`CertificateFile=${certificate}`]),
    ...options
  ]
  const where = port === undefined ? [] : ['-p', String(port)]
  return ['-F', 'none', '-i', key, ...where, ...settings.flatMap(setting => ['-o', setting]), `${user}@${host}`]
}

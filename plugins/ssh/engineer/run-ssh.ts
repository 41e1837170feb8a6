import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import process from 'node:process'
import { BrokerError } from 'mayfly/plugin'

const passedOn = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const

/** The system's own ssh on our terminal; its exit code. Until it has ended no signal ends this process, which it logs in through. */
export async function runSsh(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<number> {
  const child = spawn('ssh', args, { stdio: 'inherit', env })
  const pass = (signal: NodeJS.Signals) => void child.kill(signal)
  for (const signal of passedOn) process.on(signal, pass)
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', cause => reject(new BrokerError('invalid_request', 'ssh cannot be started', { cause })))
      child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']))
    })
  } finally {
    for (const signal of passedOn) process.off(signal, pass)
  }
}

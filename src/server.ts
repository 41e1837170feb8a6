/** `mayfly server`: from a command line to a broker that serves, and to its end. */
import process from 'node:process'
import { dirname, resolve } from 'node:path'
import { parseConfig, readConfig } from './config.ts'
import type { Config } from './config.ts'
import { BrokerError } from './contracts/index.ts'
import type { Log } from './contracts/index.ts'
import { DevSeal } from './dev-seal.ts'
import { createLog } from './log.ts'
import { serve } from './serve.ts'
import type { Running, ServeParts } from './serve.ts'
import { version } from './version.ts'

export interface ServerOptions {
  readonly dev?: boolean
  readonly devRootTokenId?: string
  readonly devListenAddress?: string
  readonly config?: string
}

// Words of the environment that would open a door behind our back: an inspector, TLS without verification, key logs, driver settings.
const refusedEnvironment = [
  'NODE_OPTIONS',
  'NODE_DEBUG',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'SSLKEYLOGFILE',
  'PGHOST',
  'PGSSLMODE',
  'PGSERVICE',
  'PGOPTIONS',
  'PGPASSFILE'
]

const shutdownMsMax = 9_500

/** Serves until a signal. The exit code. */
export async function serverCommand(options: ServerOptions, more: Pick<ServeParts, 'at' | 'clock'> = {}): Promise<number> {
  try {
    const config = configOf(options)
    refuseEnvironment()
    process.umask(0o077)
    const log = createLog(config.logLevel)
    const running = await serve(config, {
      log,
      folder: options.config === undefined ? process.cwd() : dirname(resolve(options.config)),
      ...more,
      ...(options.dev ? { seal: new DevSeal() } : {})
    })
    if (options.dev) await startDev(running, options)
    const { address, port } = running.listener
    log.info('mayfly serves', {
      version,
      address,
      port,
      tls: config.listener.tls !== undefined,
      sealed: running.life.sealed(),
      initialized: running.life.initialised(),
      pid: process.pid
    })
    return await untilEnd(running, log)
  } catch (error) {
    process.stderr.write(`mayfly: ${whyNot(error)}\n`)
    return 1
  }
}

function whyNot(error: unknown): string {
  if (error instanceof BrokerError) return error.message
  if (!(error instanceof Error)) return 'failed'
  // An address that is in use, or not for us: where we were when we heard of it helps nobody.
  return isOfListening(error) ? `cannot serve: ${notListening(error)}` : (error.stack ?? error.message)
}

interface ListenError extends Error {
  readonly code: string
  readonly address: string
  readonly port: number
}

function isOfListening(error: Error): error is ListenError {
  return 'syscall' in error && error.syscall === 'listen' && 'address' in error && typeof error.address === 'string'
}

function notListening({ code, address, port, message }: ListenError): string {
  const at = `${address.includes(':') ? `[${address}]` : address}:${port}`
  const where = '(listener.address, or --dev-listen-address)'
  if (code === 'EADDRINUSE') return `${at} is in use by another program ${where}`
  if (code === 'EACCES') return `${at} is not for this user ${where}`
  return code === 'EADDRNOTAVAIL' ? `${at} is no address of this machine ${where}` : message
}

function configOf(options: ServerOptions): Config {
  if (options.dev) return devConfig(options.devListenAddress ?? '127.0.0.1:8200')
  if (options.config === undefined) throw new BrokerError('invalid_request', 'say --config FILE, or --dev for a broker in memory')
  return readConfig(options.config)
}

function devConfig(address: string): Config {
  return parseConfig(JSON.stringify({ listener: { address, tls: 'off' }, storage: { memory: {} } }), process.cwd(), '--dev-listen-address')
}

function refuseEnvironment(): void {
  const found = refusedEnvironment.filter(name => process.env[name] !== undefined && process.env[name] !== '')
  if (found.length > 0)
    throw new BrokerError('invalid_request', `unset ${found.join(', ')}: a broker that hands out credentials does not start with them`)
}

async function startDev(running: Running, options: ServerOptions): Promise<void> {
  const from = { requestId: 'dev', remoteAddress: '127.0.0.1', remotePort: 0 }
  const { root_token: token = '' } = await running.life.initialise({}, from, options.devRootTokenId)
  const { port } = running.listener
  process.stdout.write(
    [
      'Mayfly in development mode: in memory, unsealed, everything is lost when it ends.',
      '',
      `  export MAYFLY_ADDR=http://127.0.0.1:${port}`,
      `  export MAYFLY_TOKEN=${typeof token === 'string' ? token : ''}`,
      '',
      'Next, in another terminal, a first credential (of a database: plugins/database/README.md):',
      '',
      '  npx mayfly secrets enable memory',
      '  npx mayfly write memory/config path=/tmp/mayfly-users.db',
      '  npx mayfly write memory/roles/app default_ttl=5m',
      '  npx mayfly read memory/creds/app',
      '  npx mayfly lease ls',
      ''
    ].join('\n')
  )
}

async function untilEnd(running: Running, log: Log): Promise<number> {
  const hangUp = () =>
    void running.reopen().then(
      () => log.info('sinks and certificates are open anew'),
      error => log.error('reopening failed', {}, error)
    )
  process.on('SIGHUP', hangUp)
  const signal = await Promise.race([once('SIGTERM'), once('SIGINT'), running.fatal.catch((error: unknown) => error)])
  process.off('SIGHUP', hangUp)
  const fatal = typeof signal !== 'string'
  if (fatal) log.error('the store failed and cannot be trusted any more; ending', {}, signal)
  else log.info('ending', { signal })
  // Whatever hangs must not keep the process: what is unfinished is found again after the next start.
  setTimeout(() => process.exit(fatal ? 1 : 0), shutdownMsMax).unref()
  await running[Symbol.asyncDispose]()
  return fatal ? 1 : 0
}

function once(signal: 'SIGTERM' | 'SIGINT'): Promise<string> {
  return new Promise(resolve => process.once(signal, () => resolve(signal)))
}

/** The server that clients were written for, in its development mode: in memory, unsealed. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort } from '../crash/child.ts'
import { bao } from '../targets/missing.ts'

export interface OpenbaoServer extends AsyncDisposable {
  readonly address: string
  readonly root: string
}

const startMsMax = 20_000

export async function startOpenbao(): Promise<OpenbaoServer> {
  // The command writes a token file into its home.
  const home = await mkdtemp(join(tmpdir(), 'mayfly-openbao-'))
  const port = await freePort()
  const root = 'root-of-openbao'
  const child = spawn(
    bao,
    ['server', '-dev', '-dev-no-store-token', `-dev-root-token-id=${root}`, `-dev-listen-address=127.0.0.1:${port}`],
    {
      env: { HOME: home, PATH: process.env['PATH'] },
      stdio: ['ignore', 'pipe', 'pipe']
    }
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => (output = (output + data.toString()).slice(-5_000)))
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const address = `http://127.0.0.1:${port}`
  const server = {
    address,
    root,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
      await rm(home, { recursive: true })
    }
  }
  for (const until = Date.now() + startMsMax; Date.now() < until && child.exitCode === null; await wait(50))
    if (await answers(address)) return server
  await server[Symbol.asyncDispose]()
  throw new Error(`bao server -dev does not serve:\n${output}`)
}

function answers(address: string): Promise<boolean> {
  return fetch(`${address}/v1/sys/health`).then(
    response => response.ok,
    () => false
  )
}

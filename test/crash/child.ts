import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'

const broker = join(import.meta.dirname, 'broker.ts')

// All that it says, so that a suite can look for secrets in it; a broker that says more than this has another fault.
const outputCharsMax = 20_000_000

/** A broker in a process of its own. */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly ended: Promise<void>
  output = ''

  private constructor(child: ChildProcess) {
    this.#process = child
    this.ended = new Promise(resolve => child.once('exit', () => resolve()))
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (data: Buffer) => (this.output = (this.output + data.toString()).slice(-outputCharsMax)))
  }

  static start(config: string, point = 'none', pass = 1, since?: number): Child {
    return Child.startUnder([], {}, config, point, String(pass), ...(since === undefined ? [] : [String(since)]))
  }

  /** Below a tracer, or with a library that lies to it. */
  static startUnder(before: readonly string[], env: Readonly<Record<string, string>>, ...words: readonly string[]): Child {
    const [command = process.execPath, ...more] = [...before, process.execPath, broker, ...words]
    return new Child(spawn(command, more, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } }))
  }

  get pid(): number {
    if (this.#process.pid === undefined) throw new Error('the broker did not start')
    return this.#process.pid
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null
  }

  get killed(): boolean {
    return this.#process.signalCode === 'SIGKILL'
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }

  /** Ends it in order. */
  async stop(): Promise<void> {
    this.#process.kill('SIGTERM')
    await this.ended
  }

  /** Resolves when it answers; rejects when it ends first. */
  async serving(address: string): Promise<void> {
    while (this.running) {
      const up = await fetch(`${address}/v1/sys/seal-status`, { signal: AbortSignal.timeout(2_000) }).then(
        response => response.ok,
        () => false
      )
      if (up) return
      await new Promise(resolve => setTimeout(resolve, 15))
    }
    throw new Error(`the broker ended before it served:\n${this.output}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill()
    await this.ended
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return address.port
}

/** A terminal to type into: runs the command line in this process, on streams of its own, and gives back what a user would see. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { program } from '../../src/cli/program.ts'
import type { Io, Keyboard } from '../../src/cli/io.ts'
import type { PluginCommand } from '../../src/contracts/index.ts'
import type { Restore } from '../../src/cli/commands/operator-restore.ts'
import type { ServerOptions } from '../../src/cli/commands/server.ts'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface Typing {
  readonly stdin?: string
  /** Whether output is a terminal. */
  readonly tty?: boolean
  /** How wide that terminal is. */
  readonly columns?: number
  /** Nobody reads standard output any more. */
  readonly closed?: boolean
  /** The disk that standard output goes to. */
  readonly full?: boolean
  readonly env?: Readonly<Record<string, string>>
}

export class Shell implements Disposable {
  readonly home = mkdtempSync(join(tmpdir(), 'mayfly-cli-'))
  readonly env: Record<string, string> = {}
  readonly served: ServerOptions[] = []
  readonly plugins: PluginCommand[] = []
  restore: Restore = () => Promise.reject(new Error('no restore here'))
  /** How often a line needed them. */
  pluginsLoaded = 0

  /** As typed behind `mayfly`; words are parted by spaces, or given one by one. */
  async run(
    line: string | readonly string[],
    { stdin = '', tty = false, columns, closed = false, full = false, env = {} }: Typing = {}
  ): Promise<Ran> {
    const [stdout, stderr] = [new Paper(tty, closed ? 'EPIPE' : full ? 'ENOSPC' : undefined, columns), new Paper(tty)]
    const io = { stdout, stderr, stdin: Readable.from([Buffer.from(stdin)]), env: { ...this.env, ...env }, homeDir: this.home }
    return this.#run(line, io)
  }

  /** As `run`, with somebody at the keyboard of a terminal. `shown` is false while what is typed is not echoed. */
  async runAtKeyboard(line: string, keys: readonly string[]): Promise<Ran & { readonly shown: readonly boolean[] }> {
    const shown: boolean[] = []
    const stdin: Keyboard = Object.assign(Readable.from(keys.map(key => Buffer.from(key))), {
      isTTY: true,
      setRawMode: (raw: boolean) => void shown.push(!raw)
    })
    return {
      ...(await this.#run(line, {
        stdout: new Paper(true),
        stderr: new Paper(true),
        stdin,
        env: { ...this.env, NO_COLOR: '1' },
        homeDir: this.home
      })),
      shown
    }
  }

  async #run(line: string | readonly string[], io: Io & { readonly stdout: Paper; readonly stderr: Paper }): Promise<Ran> {
    const server = async (options: ServerOptions) => {
      this.served.push(options)
      return 0
    }
    const argv = typeof line === 'string' ? line.split(' ').filter(Boolean) : line
    const code = await program({ server, restore: this.restore, version: '0.0.0', plugins: () => this.#loadPlugins() }, io).run(argv)
    return { code, out: io.stdout.text, err: io.stderr.text }
  }

  #loadPlugins(): Promise<readonly PluginCommand[]> {
    this.pluginsLoaded++
    return Promise.resolve(this.plugins)
  }

  [Symbol.dispose](): void {
    rmSync(this.home, { recursive: true, force: true })
  }
}

class Paper extends Writable {
  readonly isTTY: boolean
  readonly columns: number | undefined
  text = ''

  readonly #broken: string | undefined

  constructor(isTTY: boolean, broken?: string, columns?: number) {
    super()
    this.#broken = broken
    this.isTTY = isTTY
    this.columns = columns
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    if (this.#broken) return done(Object.assign(new Error(`write ${this.#broken}`), { code: this.#broken }))
    this.text += chunk.toString()
    return done()
  }
}

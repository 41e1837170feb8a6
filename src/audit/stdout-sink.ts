/** Writes the trail to standard output, one line each. A parent that does not read the pipe makes this a failing sink and nothing worse: Node's own `process.stdout` would
 *  hold the whole process after 64 KiB. */
import { constants, fstatSync, fdatasync, write } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { BrokerError } from '../contracts/errors.ts'
import type { AuditSink } from '../contracts/audit-sink.ts'
import { chainStart, unchain } from './chain.ts'
import type { HeaderFacts } from './file-sink.ts'
import { headerLine } from './header.ts'
import { OneAtATime } from './one-at-a-time.ts'
import { withHeaders } from './with-headers.ts'
import type { NodeHead } from './with-headers.ts'
import { writeAll } from './write-all.ts'

export interface StdoutSinkOptions extends Pick<HeaderFacts, 'checkpointKey' | 'hashOf'> {
  /** 1 when absent. */
  readonly fd?: number
}

export async function openStdoutSink(options: StdoutSinkOptions = {}): Promise<AuditSink> {
  return new StdoutSink(options, await ownDescription(options.fd ?? 1))
}

/** Where bytes go. */
interface Outlet extends Pick<FileHandle, 'write'> {
  sync(): Promise<void>
  close(): Promise<void>
}

class StdoutSink implements AuditSink {
  readonly name = 'stdout'
  readonly #options: StdoutSinkOptions
  readonly #outlet: Outlet
  readonly #turns = new OneAtATime()
  #last: NodeHead | undefined
  #torn = false

  constructor(options: StdoutSinkOptions, outlet: Outlet) {
    this.#options = options
    this.#outlet = outlet
  }

  async write(lines: readonly string[], signal: AbortSignal): Promise<void> {
    if (lines.length === 0) return
    try {
      await this.#turns.run(() => this.#write(lines, signal), signal)
    } catch (error) {
      throw new BrokerError('audit_unreachable', 'cannot write the audit to standard output', { cause: error })
    }
  }

  /** A run, and what follows a failure, begins with a header: lines may come twice below it. */
  async #write(lines: readonly string[], signal: AbortSignal): Promise<void> {
    const all = await withHeaders(this.#torn ? undefined : this.#last, lines, first => this.#header(first))
    const bytes = Buffer.from(`${this.#torn ? '\n' : ''}${all.join('\n')}\n`)
    this.#torn = true
    await writeAll(this.#outlet, bytes, signal)
    await this.#outlet.sync()
    this.#torn = false
    this.#last = headOf(lines.at(-1))
  }

  async #header({ node, seq: firstSeq }: NodeHead): Promise<string> {
    const { checkpointKey, hashOf } = this.#options
    const known = this.#last?.seq === firstSeq - 1 ? this.#last.hash : undefined
    const previousHash = firstSeq === 1 ? chainStart.hash : (known ?? (await hashOf?.(firstSeq - 1)))
    return headerLine({ node, firstSeq, previousHash, checkpointKey: checkpointKey?.() })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#outlet.close()
  }
}

function headOf(line = ''): NodeHead | undefined {
  const parts = unchain(line)
  return parts && { node: parts.node, seq: parts.seq, hash: parts.hash }
}

/** A pipe or a terminal is opened anew, without blocking: to set that on the descriptor itself would set it for everyone who shares it (the log, the parent). A file is not: its
 *  writers share one position. Where a new opening is not to be had (a socket, another user's terminal) a thread of the pool waits instead of the event loop. */
async function ownDescription(fd: number): Promise<Outlet> {
  const stats = fstatSync(fd)
  const plain: Outlet = {
    write: writeTo(fd),
    sync: () => (stats.isFile() ? syncOf(fd) : Promise.resolve()),
    close: () => Promise.resolve()
  }
  if (!stats.isFIFO() && !stats.isCharacterDevice()) return plain
  const handle = await open(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY).catch(() => undefined)
  return handle ? { write: handle.write.bind(handle), sync: () => Promise.resolve(), close: () => handle.close() } : plain
}

function writeTo(fd: number): Outlet['write'] {
  const once = (bytes: Uint8Array, offset: number): Promise<{ bytesWritten: number; buffer: Uint8Array }> =>
    new Promise((resolve, reject) => {
      write(fd, bytes, offset, (error, bytesWritten, buffer) => (error ? reject(error) : resolve({ bytesWritten, buffer })))
    })
  return once as Outlet['write']
}

function syncOf(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fdatasync(fd, error => (error ? reject(error) : resolve()))
  })
}

/** Writes the trail to a file, a FIFO or a device: one line each, durable when `write` resolves.
 *
 *  - Every file begins with a header, and so does whatever does not follow the line before it.
 *  - A file that was rotated, truncated or deleted from outside is noticed at the next write; what went into a deleted file is written again.
 *  - What a crash tore is closed by a line feed, and the line comes again in full. */
import type { Stats } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, isAbsolute } from 'node:path'
import { BrokerError } from '../contracts/errors.ts'
import type { AuditSink } from '../contracts/audit-sink.ts'
import { chainStart, unchain } from './chain.ts'
import type { ChainHead } from './chain.ts'
import { headerLine } from './header.ts'
import { OneAtATime } from './one-at-a-time.ts'
import { openAuditFile } from './open-audit-file.ts'
import type { AuditFilePlace } from './open-audit-file.ts'
import { readTail } from './read-tail.ts'
import { withHeaders } from './with-headers.ts'
import type { NodeHead } from './with-headers.ts'
import { writeAll } from './write-all.ts'

/** What a header tells besides where it stands. */
export interface HeaderFacts {
  readonly node: string
  /** Fingerprint of the key that signs checkpoints. */
  readonly checkpointKey?: (() => string | undefined) | undefined
  /** Hash of this line of the chain, as long as it is known. */
  readonly hashOf?: ((seq: number) => Promise<string | undefined>) | undefined
}

export type FileSinkOptions = AuditFilePlace & HeaderFacts

// A file that is deleted under our hands again and again is a failing sink.
const againMax = 3
const closeLimitMs = 5_000

export async function openFileSink(options: FileSinkOptions): Promise<AuditSink> {
  if (!isAbsolute(options.path) || options.path.includes('\0')) throw new BrokerError('invalid_request', 'file_path: not an absolute path')
  return new FileSink(options)
}

class FileSink implements AuditSink {
  readonly name: string
  readonly #options: FileSinkOptions
  readonly #turns = new OneAtATime()
  #file: OpenFile | undefined
  /** The last line that is durable in this or an earlier file. */
  #last: ChainHead | undefined
  /** An fsync failed: what the file shows may not be on the disk. Nothing that was written since `#last` counts. */
  #distrusted = false
  /** A FIFO keeps nothing that could be read back: after a failure the next line may come in the middle of one. */
  #tornPipe = false

  constructor(options: FileSinkOptions) {
    this.#options = options
    this.name = `file:${options.path}`
  }

  /** Without lines it only opens the file: a test whether it can. */
  async write(lines: readonly string[], signal: AbortSignal): Promise<void> {
    try {
      await this.#turns.run(() => this.#write(lines, signal), signal)
    } catch (error) {
      if (error instanceof BrokerError) throw error
      throw new BrokerError('audit_unreachable', `cannot write audit file ${this.#options.path}${codeOf(error)}`, { cause: error })
    }
  }

  async reopen(): Promise<void> {
    await this.#turns.run(() => this.#close(), AbortSignal.timeout(closeLimitMs))
  }

  /** A write that the kernel holds is left to it: closing waits for nothing that may never end. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.reopen().catch(() => undefined)
  }

  async #write(lines: readonly string[], signal: AbortSignal): Promise<void> {
    for (let again = 0; again < againMax; again++) {
      const file = await this.#opened()
      if (lines.length === 0) return
      try {
        await this.#append(file, lines, signal)
      } catch (error) {
        this.#tornPipe = !file.stats.isFile()
        await this.#close()
        throw error
      }
      if (await stillLinked(file)) {
        const { seq, hash } = partsOf(lines.at(-1))
        this.#last = { seq, hash }
        this.#distrusted = false
        return
      }
      await this.#close()
    }
    throw new Error('the file is deleted again and again')
  }

  async #opened(): Promise<OpenFile> {
    if (this.#file && !(await inPlace(this.#file, this.#options.path))) await this.#close()
    return (this.#file ??= await this.#open())
  }

  async #open(): Promise<OpenFile> {
    const { path, node } = this.#options
    const { handle, stats } = await openAuditFile(this.#options)
    try {
      if (!stats.isFile()) return { handle, stats, size: 0, torn: this.#tornPipe, last: undefined }
      const tail = await readTail(path, stats.size, node)
      // What an earlier run wrote and did not live to sync is about to be counted as written.
      await syncFile(handle)
      if (stats.size === 0) await syncFolder(path)
      return { handle, stats, size: stats.size, torn: tail.torn, last: this.#distrusted ? undefined : tail.last }
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  async #append(file: OpenFile, lines: readonly string[], signal: AbortSignal): Promise<void> {
    const missing = lines.slice(alreadyThere(file.last, lines))
    if (missing.length === 0) return
    const bytes = Buffer.from(`${file.torn ? '\n' : ''}${(await this.#withHeaders(file, missing)).join('\n')}\n`)
    await writeAll(file.handle, bytes, signal)
    if (file.stats.isFile()) await this.#sync(file)
    const { node, seq, hash } = partsOf(missing.at(-1))
    file.size += bytes.length
    file.torn = this.#tornPipe = false
    file.last = node === this.#options.node ? { seq, hash } : undefined
  }

  /** A failed fsync is never asked again: the kernel may have dropped the pages and would say yes. The lines come again, below a new header. */
  async #sync(file: OpenFile): Promise<void> {
    try {
      await syncFile(file.handle)
    } catch (error) {
      this.#distrusted = true
      throw error
    }
  }

  #withHeaders({ last }: OpenFile, lines: readonly string[]): Promise<readonly string[]> {
    return withHeaders(last && { node: this.#options.node, ...last }, lines, (first, before) => this.#header(first, before))
  }

  async #header({ node, seq: firstSeq }: NodeHead, before: NodeHead | undefined): Promise<string> {
    const { checkpointKey, hashOf } = this.#options
    const previousHash = before?.seq === firstSeq - 1 ? before.hash : await this.#hashBefore(firstSeq, hashOf)
    return headerLine({ node, firstSeq, previousHash, checkpointKey: checkpointKey?.() })
  }

  async #hashBefore(seq: number, hashOf: HeaderFacts['hashOf']): Promise<string | undefined> {
    if (seq === 1) return chainStart.hash
    return this.#last?.seq === seq - 1 ? this.#last.hash : hashOf?.(seq - 1)
  }

  async #close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.handle.close()
  }
}

interface OpenFile {
  readonly handle: FileHandle
  readonly stats: Stats
  /** As far as we know. */
  size: number
  torn: boolean
  last: ChainHead | undefined
}

/** How many of `lines` the file holds: those up to its last, if that is one of them, to the hash. Otherwise none: a store that was restored from an older copy comes with
 *  other lines under the same numbers, and those must not be lost. */
function alreadyThere(last: ChainHead | undefined, lines: readonly string[]): number {
  if (!last) return 0
  const count = last.seq - partsOf(lines[0]).seq + 1
  return count > 0 && count <= lines.length && partsOf(lines[count - 1]).hash === last.hash ? count : 0
}

function partsOf(line: string | undefined) {
  const parts = unchain(line ?? '')
  if (!parts) throw new Error('not a line of the trail')
  return parts
}

/** The path still names our file, and nobody has cut it. */
async function inPlace(file: OpenFile, path: string): Promise<boolean> {
  const now = await stat(path).catch(() => undefined)
  return now !== undefined && now.dev === file.stats.dev && now.ino === file.stats.ino && (!file.stats.isFile() || now.size >= file.size)
}

/** A file that was renamed keeps what we wrote; one without any name has lost it. */
async function stillLinked(file: OpenFile): Promise<boolean> {
  return !file.stats.isFile() || (await file.handle.stat()).nlink > 0
}

async function syncFile(handle: FileHandle): Promise<void> {
  await handle.datasync()
}

/** A new file is durable only when its name is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function codeOf(error: unknown): string {
  const { code, name } = error as NodeJS.ErrnoException
  if (typeof code === 'string') return `: ${code}`
  return name === 'TimeoutError' || name === 'AbortError' ? ': not done within its time' : ''
}

/** The two ways to a store: a folder, with a worker that writes and one that reads; or nothing but memory, on the caller's own thread. */
import type { Store } from '../store.ts'
import { answerCommits } from './threads/answer-commits.ts'
import { answerRead } from './threads/answer-reads.ts'
import { Committer } from './committer.ts'
import { allowOnlyRows, openWriting } from './database.ts'
import type { Database } from './database.ts'
import { prepareFolder } from './folder/folder.ts'
import { Lane } from './threads/lane.ts'
import type { Answer, Call } from './threads/lane.ts'
import { migrate } from './schema.ts'
import { SqliteStore } from './sqlite-store.ts'
import { startNode } from './start-node.ts'
import type { StartedNode } from './start-node.ts'
import { startThread } from './threads/thread.ts'
import type { Thread } from './threads/thread.ts'
import type { WriterData } from './threads/writer.ts'

export interface SqliteOptions {
  /** The data folder; made with mode 0700 when it is not there. */
  readonly path: string
  /** For a store that is made now; else its own stays. */
  readonly nodeId?: string
  /** How much of the disk is kept for revoking when it is full; 64 MiB, less on a small disk. */
  readonly reserveBytes?: number
  /** A file on another file system that repeats the beats of this store: it gives away a snapshot that was put back (`whereabouts.ts`). */
  readonly witness?: string | undefined
  /** Between beats while something is committed. */
  readonly beatMs?: number
  /** How long another owner of the folder, which may be ending, is given to end. */
  readonly ownerWaitMs?: number
  /** Only for tests of the fence: a second run takes over while the first still works. */
  readonly allowSecondOwner?: boolean
}

export async function openSqlite(options: SqliteOptions): Promise<Store> {
  const files = prepareFolder(options.path)
  const { promise: fatal, reject: damaged } = Promise.withResolvers<never>()
  // Nobody may be looking yet; whoever asks later still gets the rejection.
  fatal.catch(() => undefined)
  const { nodeId, reserveBytes, allowSecondOwner = false, ownerWaitMs = 0, witness, beatMs } = options
  const data: WriterData = { files, nodeId, reserveBytes, allowSecondOwner, ownerWaitMs, witness, beatMs }
  // Both threads start at once; the reader opens the file when it is first asked, long after the writer has made it.
  const [writer, reader] = await both(startThread<StartedNode>('writer', data, damaged), startThread<true>('reader', files, damaged))
  const { id, epoch } = writer.ready
  return new SqliteStore({
    kind: 'sqlite',
    node: { id, epoch },
    writing: writer.lane,
    reading: reader.lane,
    fatal,
    close: [reader, writer],
    folder: files.folder,
    database: files.database
  })
}

/** Two or none: when one fails to start, the other ends. */
async function both<A, B>(first: Promise<Thread<A>>, second: Promise<Thread<B>>): Promise<readonly [Thread<A>, Thread<B>]> {
  try {
    return await Promise.all([first, second])
  } catch (error) {
    for (const thread of await Promise.allSettled([first, second]))
      if (thread.status === 'fulfilled') await thread.value[Symbol.asyncDispose]()
    throw error
  }
}

/** The same code on `:memory:`: nothing waits for a disk, one connection serves writes and reads, and a simulator sees every step. */
export async function openMemory(options: { readonly nodeId?: string } = {}): Promise<Store> {
  const db = openWriting(':memory:')
  migrate(db, 'memory')
  allowOnlyRows(db.connection)
  const node = startNode(db, options.nodeId)
  const committer = new Committer(db, node, node)
  // Cloned as between threads, so that both kinds of store hand out the same plain objects.
  const lane: Lane = new Lane(calls => lane.answered(structuredClone(answer(db, committer, calls))), queueMicrotask)
  const close = {
    async [Symbol.asyncDispose]() {
      lane.finish()
      db.close()
    }
  }
  return new SqliteStore({
    kind: 'memory',
    node: { id: node.id, epoch: node.epoch },
    writing: lane,
    reading: lane,
    fatal: new Promise<never>(() => undefined),
    close: [close]
  })
}

/** In the order asked: commits beside each other are one group. */
function answer(db: Database, committer: Committer, calls: readonly Call[]): Answer[] {
  const answers: Answer[] = []
  let group: Call[] = []
  const flush = () => {
    if (group.length > 0) answers.push(...answerCommits(committer, group))
    group = []
  }
  for (const call of calls) {
    if ('commit' in call) group.push(call)
    else {
      flush()
      answers.push(answerRead(db, call))
    }
  }
  flush()
  return answers
}

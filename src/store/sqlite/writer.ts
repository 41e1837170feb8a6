/** The writing worker: one connection, group commit. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { answerCommits } from './answer-commits.ts'
import { carryError } from './carried-error.ts'
import { Committer } from './committer.ts'
import { allowOnlyRows, openWriting } from './database.ts'
import type { Database } from './database.ts'
import { DiskRoom } from './disk-room.ts'
import type { StoreFiles } from './folder.ts'
import type { Call } from './lane.ts'
import { lockFolder } from './owner-lock.ts'
import { migrate } from './schema.ts'
import { isFull } from './sqlite-error.ts'
import { startNode } from './start-node.ts'
import type { StartedNode } from './start-node.ts'
import type { FromThread, ToThread } from './thread.ts'

export interface WriterData {
  readonly files: StoreFiles
  readonly nodeId: string | undefined
  readonly reserveBytes: number | undefined
  readonly allowSecondOwner: boolean
}

// What waits when the last commit ends becomes one transaction. More in one would keep the first caller waiting for the last.
const groupMax = 256

const port = parentPort!
const say = (word: FromThread<StartedNode>) => port.postMessage(word)

/** Takes whatever is queued when the last commit ends: no timer, so a single caller never waits for others. */
function serve(db: Database, committer: Committer, first: ToThread): void {
  const queue: Call[] = []
  let closing = take(queue, first)
  for (;;) {
    while (queue.length < groupMax && !closing) {
      const next = receiveMessageOnPort(port)
      if (!next) break
      closing = take(queue, next.message)
    }
    if (queue.length === 0) break
    const answers = answerCommits(committer, queue.splice(0, groupMax))
    say(committer.broken ? { answers, damaged: carryError(committer.broken) } : { answers })
  }
  if (!closing) return
  db.close()
  port.close()
}

function take(queue: Call[], message: ToThread): boolean {
  if (message === 'close') return true
  queue.push(...message)
  return false
}

function start({ files, nodeId, reserveBytes, allowSecondOwner }: WriterData): void {
  const lock = allowSecondOwner ? undefined : lockFolder(files.lock, files.folder)
  try {
    const room = new DiskRoom(files.folder, reserveBytes)
    const db = openWriting(files.database)
    migrate(db, files.folder)
    allowOnlyRows(db.connection)
    const node = startNodeWithRoom(db, room, nodeId)
    const committer = new Committer(db, node, node, room)
    port.on('message', (message: ToThread) => serve(db, committer, message))
    port.on('close', () => lock?.close())
    say({ ready: node })
    setImmediate(() => room.makeReserve())
  } catch (error) {
    lock?.close()
    throw error
  }
}

/** The start itself writes a row: on a full disk it takes the reserve, so that what is due can still be ended. */
function startNodeWithRoom(db: Database, room: DiskRoom, nodeId: string | undefined): StartedNode {
  try {
    return startNode(db, nodeId)
  } catch (error) {
    if (!isFull(error) || !room.giveUpReserve()) throw error
    return startNode(db, nodeId)
  }
}

try {
  start(workerData as WriterData)
} catch (error) {
  say({ failed: carryError(error) })
  port.close()
}

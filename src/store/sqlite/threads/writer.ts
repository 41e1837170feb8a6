/** The writing worker: one connection, group commit. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { BrokerError } from '../../../contracts/index.ts'
import { answerCommits } from './answer-commits.ts'
import { carryError } from './carried-error.ts'
import { Committer } from '../committer.ts'
import { Copies } from '../copies/copies.ts'
import { allowOnlyRows, openWriting } from '../database.ts'
import type { Database } from '../database.ts'
import { DiskRoom } from '../folder/disk-room.ts'
import type { StoreFiles } from '../folder/folder.ts'
import { Heartbeat } from '../folder/heartbeat.ts'
import type { Call } from './lane.ts'
import { lockFolder } from '../folder/owner-lock.ts'
import { auditCharsMax } from '../../store.ts'
import { migrate } from '../schema.ts'
import { removeCopies } from '../copies/snapshot.ts'
import { isDamage } from '../sqlite-error.ts'
import { startNode } from '../start-node.ts'
import type { StartedNode } from '../start-node.ts'
import type { FromThread, ToThread } from './thread.ts'
import { Whereabouts } from '../folder/whereabouts.ts'

export interface WriterData {
  readonly files: StoreFiles
  readonly nodeId: string | undefined
  readonly reserveBytes: number | undefined
  readonly allowSecondOwner: boolean
  readonly ownerWaitMs: number
  /** A file elsewhere that repeats the beats of this store. */
  readonly witness: string | undefined
  readonly beatMs: number | undefined
}

// What waits when the last commit ends becomes one transaction. More in one would keep the first caller waiting for the last.
const groupMax = 256

/** How many of those that wait become one transaction. Their lines are one row of the trail, and a row is held in memory as a whole, here and by who reads it. */
function groupOf(queue: readonly Call[]): number {
  let [size, chars] = [0, 0]
  while (size < Math.min(queue.length, groupMax) && chars < auditCharsMax) {
    const call = queue[size++]!
    if ('commit' in call) for (const body of call.commit.audit) chars += body.length
  }
  return size
}

const port = parentPort!
const say = (word: FromThread<StartedNode>) => port.postMessage(word)

interface Serving {
  readonly db: Database
  readonly committer: Committer
  readonly heartbeat: Heartbeat
  readonly copies: Copies
}

/** Takes whatever is queued when the last commit ends: no timer, so a single caller never waits for others. */
function serve({ db, committer, heartbeat, copies }: Serving, first: ToThread): void {
  const queue: Call[] = []
  let closing = take(queue, copies, first)
  for (;;) {
    while (queue.length < groupMax && !closing) {
      const next = receiveMessageOnPort(port)
      if (!next) break
      closing = take(queue, copies, next.message)
    }
    if (queue.length === 0) break
    const answers = answerCommits(committer, queue.splice(0, groupOf(queue)))
    say(committer.broken ? { answers, damaged: carryError(committer.broken) } : { answers })
    heartbeat.soon()
  }
  if (!closing) return
  heartbeat.last()
  void close(db, copies)
}

async function close(db: Database, copies: Copies): Promise<void> {
  await copies.end()
  db.close()
  port.close()
}

function take(queue: Call[], copies: Copies, message: ToThread): boolean {
  if (message === 'close') return true
  for (const call of message)
    if ('copyTo' in call) copies.add(call)
    else queue.push(call)
  return false
}

function start({ files, nodeId, reserveBytes, allowSecondOwner, ownerWaitMs, witness, beatMs }: WriterData): void {
  const lock = allowSecondOwner ? undefined : lockFolder(files.lock, files.folder, ownerWaitMs)
  try {
    const room = new DiskRoom(files.folder, reserveBytes)
    const db = openWriting(files.database)
    migrate(db, files.folder)
    allowOnlyRows(db.connection)
    removeCopies(files.folder)
    const whereabouts = new Whereabouts(db, files, witness)
    const node = withRoom(room, () => {
      whereabouts.settle(Date.now())
      return startNode(db, nodeId)
    })
    const committer = new Committer(db, node, node, room)
    const heartbeat = new Heartbeat(() => whereabouts.beat({ node: node.id, epoch: node.epoch }), distrust(committer), beatMs)
    heartbeat.first(error => committer.isFull(error))
    const copies = new Copies(db, answer => say({ answers: [answer] }))
    port.on('message', (message: ToThread) => serve({ db, committer, heartbeat, copies }, message))
    port.on('close', () => lock?.close())
    say({ ready: node })
    setImmediate(() => room.makeReserve())
  } catch (error) {
    lock?.close()
    throw error
  }
}

/** The start itself writes a row: on a full disk it takes the reserve, so that what is due can still be ended. */
function withRoom<T>(room: DiskRoom, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!room.isFull(error) || !room.giveUpReserve()) throw error
    return work()
  }
}

function distrust(committer: Committer): (error: unknown) => void {
  return error => {
    if ((isDamage(error) && !committer.isFull(error)) || isHeld(error)) say({ answers: [], damaged: carryError(committer.distrust(error)) })
  }
}

/** Found out while it ran: it is another store's place. */
function isHeld(error: unknown): boolean {
  return error instanceof BrokerError && error.code === 'held'
}

try {
  start(workerData as WriterData)
} catch (error) {
  say({ failed: carryError(error) })
  port.close()
}

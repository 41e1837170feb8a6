/** The reading worker: a read-only connection of its own, so that no read waits for a commit. */
import { parentPort, workerData } from 'node:worker_threads'
import { answerReads } from './answer-reads.ts'
import { openReading, openWalking } from '../database.ts'
import type { Database } from '../database.ts'
import type { Answer, Call } from './lane.ts'
import type { FromThread, ToThread } from './thread.ts'

const port = parentPort!
const say = (word: FromThread<true>) => port.postMessage(word)

const { database } = workerData as { readonly database: string }

let db: Database | undefined
let walking: Database | undefined

port.on('message', (message: ToThread) => {
  if (message !== 'close') {
    const { walk = [], read = [] } = Object.groupBy(message, call => (isWalk(call) ? 'walk' : 'read'))
    const answers: Answer[] = []
    if (read.length > 0) answers.push(...answerReads((db ??= openReading(database)), read))
    if (walk.length > 0) answers.push(...answerWalk(walk))
    return say({ answers })
  }
  db?.close()
  walking?.close()
  port.close()
})

function isWalk(call: Call): boolean {
  return 'read' in call && call.read === 'activeNames'
}

/** On a connection of its own, which goes with the last page and gives back its memory. */
function answerWalk(calls: readonly Call[]): readonly Answer[] {
  const answers = answerReads((walking ??= openWalking(database)), calls)
  if (answers.every(answer => !hasMore(answer))) {
    walking.close()
    walking = undefined
  }
  return answers
}

function hasMore(answer: Answer): boolean {
  return 'value' in answer && (answer.value as { readonly next?: unknown }).next !== undefined
}

say({ ready: true })

/** The reading worker: a read-only connection of its own, so that no read waits for a commit. */
import { parentPort, workerData } from 'node:worker_threads'
import { answerReads } from './answer-reads.ts'
import { openReading } from './database.ts'
import type { Database } from './database.ts'
import type { FromThread, ToThread } from './thread.ts'

const port = parentPort!
const say = (word: FromThread<true>) => port.postMessage(word)

let db: Database | undefined

port.on('message', (message: ToThread) => {
  if (message !== 'close') {
    db ??= openReading((workerData as { readonly database: string }).database)
    return say({ answers: answerReads(db, message) })
  }
  db?.close()
  port.close()
})
say({ ready: true })

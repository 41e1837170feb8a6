/** A worker that reads the whole file once and says what is wrong with it. On a thread and a connection of its own: 15 s for 1.4 GB, and nobody waits for it. */
import { parentPort, workerData } from 'node:worker_threads'
import { openReading } from '../database.ts'

// One is enough to stop issuing; some more tell an operator where.
const findingsMax = 20

// SQLITE_CORRUPT and SQLITE_NOTADB
const corrupt: ReadonlySet<number> = new Set([11, 26])

const { database } = workerData as { readonly database: string }
const db = openReading(database)
// The broker's connections may read rows and nothing else; this one ends with its only statement.
db.connection.setAuthorizer(null)
// Each page is read once: a cache would only take memory.
db.connection.exec('pragma cache_size = -1024')
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is for windows
parentPort!.postMessage(findings())
db.close()

function findings(): readonly string[] {
  try {
    const rows = db.all<{ quick_check: string }>(`pragma quick_check(${findingsMax})`)
    return rows.map(row => row.quick_check).filter(finding => finding !== 'ok')
  } catch (error) {
    // So bad that it cannot be read to its end.
    if (error instanceof Error && 'errcode' in error && corrupt.has(Number(error.errcode) & 0xff)) return [error.message]
    throw error
  }
}

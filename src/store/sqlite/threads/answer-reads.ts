import { carryError } from './carried-error.ts'
import type { Database } from '../database.ts'
import type { Answer, Call } from './lane.ts'
import * as auditReads from '../reads/audit-reads.ts'
import * as holdingReads from '../reads/holding-reads.ts'
import * as leaseReads from '../reads/lease-reads.ts'
import * as resealReads from '../reads/reseal-reads.ts'
import * as sealReads from '../reads/seal-reads.ts'
import * as sweeperReads from '../reads/sweeper-reads.ts'
import * as tokenReads from '../reads/token-reads.ts'

/** Every read by its name: what the main thread may ask for. */
const reads = { ...sealReads, ...resealReads, ...tokenReads, ...leaseReads, ...holdingReads, ...sweeperReads, ...auditReads }

export type Reads = typeof reads
export type ReadName = keyof Reads

/** One read transaction for all calls of a message: each sees what was committed before it was asked, and the locks are taken once. */
export function answerReads(db: Database, calls: readonly Call[]): Answer[] {
  db.run('begin')
  try {
    return calls.map(call => answerRead(db, call))
  } finally {
    if (db.inTransaction) db.run('commit')
  }
}

export function answerRead(db: Database, call: Call): Answer {
  try {
    if (!('read' in call)) throw new Error('this connection only reads')
    const read = reads[call.read as ReadName] as (db: Database, ...parameters: readonly unknown[]) => unknown
    return { id: call.id, value: read(db, ...call.parameters) }
  } catch (error) {
    return { id: call.id, error: carryError(error) }
  }
}

import { randomBytes } from 'node:crypto'
import { chainStart } from '../../audit/chain.ts'
import type { ChainHead } from '../../audit/chain.ts'
import type { Database } from './database.ts'

export interface StartedNode {
  readonly id: string
  readonly epoch: number
  readonly head: ChainHead
  readonly timeMark: number
}

// 16 hex digits: it stands in every audit line.
const nodeIdBytes = 8

interface NodeRow {
  readonly id: string
  readonly epoch: number
  readonly audit_seq: number
  readonly audit_hash: string
  readonly time_mark: number
}

/** This run takes an epoch that no run of any node had before; whatever an older one still tries changes no row. A file has one node, made with it. */
export function startNode(db: Database, newId: string = randomBytes(nodeIdBytes).toString('hex')): StartedNode {
  const row = db.get<NodeRow>(
    `insert into node (id, epoch, audit_seq, audit_hash, time_mark)
      values (coalesce((select id from node), :newId), coalesce((select max(epoch) from node), 0) + 1, :seq, :hash, 0)
      on conflict (id) do update set epoch = excluded.epoch
      returning *`,
    { newId, ...chainStart }
  )
  if (!row) throw new Error('the node has no row')
  return { id: row.id, epoch: row.epoch, head: { seq: row.audit_seq, hash: row.audit_hash }, timeMark: row.time_mark }
}

import type { ChainHead } from '../../../audit/chain.ts'
import { auditCharsMax } from '../../store.ts'
import type { Database } from '../database.ts'

export function chainHead(db: Database): ChainHead {
  return db.get<ChainHead>('select audit_seq as seq, audit_hash as hash from node')!
}

interface AuditRow {
  readonly first_seq: number
  readonly last_seq: number
  readonly lines: string
}

// The row that holds `after` or the one behind it, and so on from row to row: a row holds the lines of one group commit.
const rowSql = `select first_seq, last_seq, lines from audit
  where first_seq >= coalesce((select max(first_seq) from audit where first_seq <= :next), 0) and last_seq >= :next
  order by first_seq limit 1`

export function auditLines(db: Database, after: number, limit: number): { seq: number; line: string }[] {
  const found: { seq: number; line: string }[] = []
  let chars = 0
  for (let next = after + 1; found.length < limit && chars < auditCharsMax;) {
    const row = db.get<AuditRow>(rowSql, { next })
    if (!row) break
    const lines = row.lines.split('\n')
    for (let seq = Math.max(next, row.first_seq); seq <= row.last_seq && found.length < limit && chars < auditCharsMax; seq++) {
      const line = lines[seq - row.first_seq]!
      found.push({ seq, line })
      chars += line.length
    }
    next = row.last_seq + 1
  }
  return found
}

export function cursor(db: Database, sink: string): number {
  return db.get<{ seq: number }>('select seq from cursor where sink = :sink', { sink })?.seq ?? 0
}

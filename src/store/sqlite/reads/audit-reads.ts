import type { ChainHead } from '../../../audit/chain.ts'
import type { Database } from '../database.ts'

export function chainHead(db: Database): ChainHead {
  return db.get<ChainHead>('select audit_seq as seq, audit_hash as hash from node')!
}

export function auditLines(db: Database, after: number, limit: number): { seq: number; line: string }[] {
  return db.all('select seq, line from audit where seq > :after order by seq limit :limit', { after, limit })
}

export function cursor(db: Database, sink: string): number {
  return db.get<{ seq: number }>('select seq from cursor where sink = :sink', { sink })?.seq ?? 0
}

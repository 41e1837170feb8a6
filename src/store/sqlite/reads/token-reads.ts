import type { WrappedRow } from '../../store.ts'
import { lineEnd, tokenLives } from '../rows/conditions.ts'
import type { Database } from '../database.ts'
import { tokenColumns } from '../rows/token-row.ts'
import type { TokenRow } from '../rows/token-row.ts'
import { generation } from './seal-reads.ts'

const authenticateSql = `select ${tokenColumns} from token t where t.hash = :hash and ${tokenLives(':hash')}`

export interface Authenticated {
  readonly token: TokenRow | undefined
  readonly generation: number
  /** When the first of its line expires. */
  readonly until: number | null
}

export function authenticate(db: Database, hash: string, now: number): Authenticated {
  const token = db.get<TokenRow>(authenticateSql, { hash, now })
  const until = token ? db.get<{ until: number | null }>(`select ${lineEnd(':hash')} as until`, { hash })!.until : null
  return { token, generation: generation(db), until }
}

export function token(db: Database, hash: string): TokenRow | undefined {
  return db.get<TokenRow>(`select ${tokenColumns} from token t where t.hash = :hash`, { hash })
}

export function tokenByAccessor(db: Database, accessor: string): TokenRow | undefined {
  return db.get<TokenRow>(`select ${tokenColumns} from token t where t.accessor = :accessor and t.ended_at is null`, { accessor })
}

export function wrapped(db: Database, token: string): WrappedRow | undefined {
  return db.get<WrappedRow>('select reply, lease, inner from wrapping where token = :token', { token })
}

export function accessors(db: Database, after: string, limit: number): string[] {
  const sql = 'select accessor from token where accessor > :after and ended_at is null order by accessor limit :limit'
  return db.all<{ accessor: string }>(sql, { after, limit }).map(row => row.accessor)
}

// Whoever asks how many are left wants to know whether there are any, and roughly how many.
const countMax = 10_000

export function liveLogins(db: Database, mount: string): number {
  const sql = 'select count(*) as count from (select 1 from token where auth_mount = :mount and ended_at is null limit :countMax)'
  return db.get<{ count: number }>(sql, { mount, countMax })!.count
}

import { randomBytes } from 'node:crypto'
import type { LeaseId, TargetId } from '../../src/contracts/index.ts'
import type { Lease } from '../../src/lease/lease.ts'
import { openWriting } from '../../src/store/sqlite/database.ts'
import type { Database } from '../../src/store/sqlite/database.ts'
import { prepareFolder } from '../../src/store/sqlite/folder/folder.ts'
import { leaseColumns, leaseParameters, leaseRow } from '../../src/store/sqlite/rows/lease-row.ts'
import type { LeaseRow } from '../../src/store/sqlite/rows/lease-row.ts'
import { lockFolder } from '../../src/store/sqlite/folder/owner-lock.ts'
import { migrate } from '../../src/store/sqlite/schema.ts'
import { toWire } from '../../src/store/sqlite/rows/wire.ts'

export interface SeedOptions {
  readonly now: Temporal.Instant
  /** In hours or less. How long they live: far beyond the bench that they are for, unless told otherwise. */
  readonly ttl?: Temporal.Duration
  readonly mount?: string
  readonly path?: string
  readonly target?: TargetId
  /** Leases per token hash. */
  readonly leasesPerToken?: number
}

const rowsPerTransaction = 50_000

/** Fills the folder of a store that nobody uses with active leases, as fast as the disk takes them: rows like those of a broker, without one. The handles are random
 *  bytes, so a broker that opens the store can show and count these leases, but not revoke them. */
export function seedLeases(folder: string, count: number, options: SeedOptions): void {
  const files = prepareFolder(folder)
  const lock = lockFolder(files.lock, files.folder)
  const db = openWriting(files.database)
  try {
    migrate(db, folder)
    for (const pragma of ['synchronous = off', 'secure_delete = off', 'cache_size = -400000']) db.connection.exec(`pragma ${pragma}`)
    withoutIndexes(db, () => insertLeases(db, count, options))
    db.connection.exec('pragma wal_checkpoint(truncate)')
  } finally {
    db.close()
    lock.close()
  }
}

/** Indexes that are built at once are built in their order: at a million rows several times faster than row by row. */
function withoutIndexes(db: Database, work: () => void): void {
  const indexes = db.all<{ name: string; sql: string }>(
    `select name, sql from sqlite_schema where type = 'index' and tbl_name = 'lease' and sql is not null`
  )
  for (const { name } of indexes) db.connection.exec(`drop index ${name}`)
  work()
  for (const { sql } of indexes) db.connection.exec(sql)
}

function insertLeases(db: Database, count: number, options: SeedOptions): void {
  const base = leaseRow(toWire(seededLease(options)))
  db.run(`insert into target (id, mount, credential) values (:id, :mount, 'user') on conflict do nothing`, {
    id: base.target_id,
    mount: base.mount
  })
  const first = db.get<{ count: number }>('select coalesce(max(number), 0) as count from lease')!.count
  const end = first + count
  for (let from = first; from < end; from += rowsPerTransaction) {
    db.run('begin immediate')
    for (let n = from; n < Math.min(end, from + rowsPerTransaction); n++)
      db.run(insertSql, { ...base, ...ownColumns(n, base.path, options.leasesPerToken ?? 10) })
    db.run('commit')
  }
}

const insertSql = `insert into lease (${leaseColumns}) values (${leaseParameters})`

/** What no two leases share. */
function ownColumns(n: number, path: string, leasesPerToken: number): Partial<LeaseRow> {
  const random = randomBytes(160)
  return {
    id: `${path}/${n.toString(36).padStart(8, '0')}${random.toString('hex', 0, 8)}`,
    name: `v-token-seeded-${random.toString('hex', 8, 18)}-${n}`,
    handle: random,
    visible: JSON.stringify({ username: `v-token-seeded-${n}` }),
    subject: null,
    request_id: random.toString('hex', 0, 16),
    token: (Math.floor(n / leasesPerToken) * 2_654_435_761).toString(16).padStart(64, '0'),
    accessor: `seeded${Math.floor(n / leasesPerToken)}`
  }
}

function seededLease(options: SeedOptions): Lease {
  const { now, ttl = Temporal.Duration.from('PT87600H') } = options
  const expiresAt = now.add(ttl)
  return {
    id: '' as LeaseId,
    state: 'active',
    version: 2,
    mount: options.mount ?? '00000000-0000-4000-8000-00000000seed',
    path: options.path ?? 'database/creds/seeded',
    role: 'seeded',
    roleVersion: 1,
    credential: 'user',
    target: options.target ?? ('seeded-target' as TargetId),
    recipe: 'f'.repeat(64),
    handle: new Uint8Array(),
    name: '',
    visible: {},
    token: '',
    accessor: '',
    displayName: 'seeded',
    entity: '',
    remoteAddress: '127.0.0.1',
    requestId: '',
    outlivesToken: false,
    renewable: true,
    guarantees: { revocable: 'at once', endsSessions: true, diesByItself: true, listable: true, observable: 'no' },
    ttl: 3_600,
    issuedAt: now,
    expiresAt,
    maxExpiresAt: null,
    createBy: now.add({ seconds: 10 }),
    lastRenewal: null,
    dueAt: expiresAt,
    epoch: 1,
    activated: true,
    cause: null,
    failures: 0,
    lastError: null,
    endedAt: null,
    revokedAt: null,
    forcedBy: null,
    subject: null,
    outlivesUntil: null,
    usage: null
  }
}

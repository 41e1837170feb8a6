/** A backup becomes a store again, offline: written beside its final name, checked as a whole, marked as held, and only then named. A crash on the way leaves a file that no
 *  broker takes for a store, and that the next try writes anew. */
import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { BrokerError } from '../../../contracts/index.ts'
import { prepareEmptyFolder } from '../folder/folder.ts'
import { applicationId, schemaKnown } from '../schema.ts'

export interface WantedStore {
  readonly schema: number
  readonly node: string
  readonly seq: number
  readonly hash: string
}

const draftName = 'restoring.tmp'

/** Refuses a folder that has anything in it. `chunks` throws before its end when the backup is not whole. */
export async function restoreDatabase(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  wanted: WantedStore,
  held: { readonly cause: string; readonly since: Temporal.Instant }
): Promise<void> {
  if (wanted.schema > schemaKnown)
    throw refused(`the backup has schema ${wanted.schema}, and this mayfly knows up to ${schemaKnown}: use the newer mayfly`)
  const folder = prepareEmptyFolder(path, draftName)
  const draft = join(folder, draftName)
  removeDraft(folder)
  try {
    await writeAll(draft, chunks)
    settle(draft, wanted, held)
    syncFile(draft)
    renameSync(draft, join(folder, 'mayfly.db'))
    syncFile(folder)
  } catch (error) {
    removeDraft(folder)
    throw error
  }
}

async function writeAll(file: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const fd = openSync(file, 'wx', 0o600)
  try {
    for await (const chunk of chunks) for (let done = 0; done < chunk.length;) done += writeSync(fd, chunk, done)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Whole, ours, as far as its header says; and held from its first moment on. */
function settle(file: string, wanted: WantedStore, held: { readonly cause: string; readonly since: Temporal.Instant }): void {
  using db = new DatabaseSync(file)
  const value = (sql: string): unknown => Object.values(db.prepare(sql).get() ?? {})[0]
  // No log beside a file that is about to be renamed.
  if (value('pragma journal_mode = delete') !== 'delete') throw refused('the restored database cannot be settled')
  if (value('pragma quick_check(1)') !== 'ok') throw refused('the restored database is damaged inside')
  if (value('pragma application_id') !== applicationId || value('pragma user_version') !== wanted.schema)
    throw refused('the restored database is no store of mayfly, or of another schema')
  const head = db.prepare('select 1 from node where id = ? and audit_seq = ? and audit_hash = ?').get(wanted.node, wanted.seq, wanted.hash)
  if (!head) throw refused('the trail of the restored database does not end as the backup says')
  const hold = db.prepare(`update whereabouts set held_cause = ?, held_at = ?, resuming = nullif(resuming, 'restored')`)
  if (hold.run(held.cause, held.since.epochMilliseconds).changes !== 1)
    throw refused('the restored database does not know where it is from')
}

function removeDraft(folder: string): void {
  for (const name of readdirSync(folder)) if (name.startsWith(draftName)) rmSync(join(folder, name))
}

function syncFile(path: string): void {
  if (!existsSync(path)) throw refused(`${path} is gone`)
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function refused(message: string): BrokerError {
  return new BrokerError('invalid_request', message)
}

import { randomBytes } from 'node:crypto'
import { readdirSync, rmSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import type { SealRecord, StoreSnapshot } from '../../store.ts'

const copyName = /^copy-[0-9a-f]{16}\.tmp(-journal)?$/

/** Where a copy lies until it is read. */
export function newCopyFile(folder: string): string {
  return join(folder, `copy-${randomBytes(8).toString('hex')}.tmp`)
}

/** What a process that died has left. */
export function removeCopies(folder: string): void {
  for (const name of readdirSync(folder)) if (copyName.test(name)) rmSync(join(folder, name))
}

export function discardCopy(file: string): void {
  for (const end of ['', '-journal']) rmSync(`${file}${end}`, { force: true })
}

/** A finished copy: what it holds, and its bytes, once. The file goes as soon as it is open. */
export function readCopy(file: string): StoreSnapshot {
  return {
    facts: factsOf(file),
    chunks: bytes => chunksOf(file, bytes),
    async [Symbol.asyncDispose]() {
      rmSync(file, { force: true })
    }
  }
}

async function* chunksOf(file: string, bytes: number): AsyncGenerator<Uint8Array> {
  await using handle = await open(file, 'r')
  rmSync(file)
  for (;;) {
    const buffer = Buffer.allocUnsafeSlow(bytes)
    const { bytesRead } = await handle.read(buffer, 0, bytes)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}

interface NodeRow {
  readonly id: string
  readonly audit_seq: number
  readonly audit_hash: string
  readonly time_mark: number
}

/** Read from the copy and not from the store, which has gone on. */
function factsOf(file: string): StoreSnapshot['facts'] {
  const url = pathToFileURL(file)
  // Nobody writes it: without this, files for a log would be made beside it.
  url.searchParams.set('immutable', '1')
  using db = new DatabaseSync(url, { readOnly: true })
  const row = (sql: string): unknown => db.prepare(sql).get()
  const node = row('select * from node order by epoch desc') as NodeRow
  return {
    bytes: statSync(file).size,
    schema: (row('pragma user_version') as { user_version: number }).user_version,
    beat: (row('select beat from whereabouts') as { beat: number }).beat,
    node: node.id,
    head: { seq: node.audit_seq, hash: node.audit_hash },
    time: Temporal.Instant.fromEpochMilliseconds(node.time_mark),
    seal: { ...(row('select kind, config, root_key as rootKey, keyring, instance from seal') as SealRecord) }
  }
}

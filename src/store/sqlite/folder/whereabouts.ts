/** How a store knows that it is not where it was: copied, restored, put back.
 *
 *  Its database names three files by their identity (inode and birth, `file-identity.ts`): the database itself, and the heartbeat, a small file beside it. Every
 *  beat, some seconds apart while something is committed, makes a *new* heartbeat file under the same name. So:
 *
 *  | what happened                                                  | what gives it away                                            |
 *  |----------------------------------------------------------------|---------------------------------------------------------------|
 *  | the folder was copied (cp, tar, rsync), the original gone or not | the database file is another one                              |
 *  | it was moved to another file system                            | the same: that is a copy                                      |
 *  | a backup was restored (`mayfly operator restore`)              | the same, and the restored database says so itself             |
 *  | older files were written over newer ones, in place             | the heartbeat that the older database names is long gone      |
 *  | only the database or its log was put back, or deleted          | the same                                                      |
 *  | a snapshot of the file system was put back                     | inodes and births are as they were: only the *witness* knows   |
 *
 *  The witness is a file elsewhere (`storage.sqlite.witness`), on another file system, that repeats the number of the beat and whose it is; one that has seen a later
 *  beat than the store gives a snapshot away, at start and with each beat. A store that is held tells it nothing: on its word the original of a copy would be held. Without a witness a snapshot put
 *  back, and a clone of the whole file system, cannot be told from a volume that was unmounted and mounted again: to hold the store then would hold it after every
 *  restart of the machine.
 *
 *  No alarm: an upgrade, a restart of the machine, SIGKILL, other times of change, other owners, another host name, a volume in another container, `mv` of the folder
 *  within its file system (these are the very same files). A copy of what was not changed since, put back in place, is no other store either. What was committed
 *  after the last beat, at most `beatMs` before a SIGKILL, can be put back unseen.
 *
 *  Order of a beat; a crash between any two steps leaves a store that knows where it is:
 *    1. the next heartbeat is written beside the present one and synced      (crash: a stray file; the database names the present one)
 *    2. the database names the next one                                       (crash: it lies beside the one that is in place, and is put there at start)
 *    3. the next one is renamed into place, and the folder synced
 *    4. the witness is told                                                   (crash: it is behind, which alarms nobody) */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'
import { BrokerError } from '../../../contracts/index.ts'
import { heldSentence } from '../../store.ts'
import type { Database } from '../database.ts'
import { fileIdentity, sameFile } from './file-identity.ts'
import type { StoreFiles } from './folder.ts'

interface Told {
  readonly beat: number
  /** The instance; empty: a store without keys. */
  readonly whose: string
}

interface WhereaboutsRow {
  readonly beat: number
  readonly database_file: string
  readonly heartbeat_file: string
  readonly held_cause: string | null
}

/** Steps of a beat, for who wants to die between two of them. */
export type BeatStep = 'written' | 'named' | 'placed'

const heartbeatName = 'heartbeat'
const nextName = 'heartbeat.next'

export class Whereabouts {
  readonly #db: Database
  readonly #files: StoreFiles
  readonly #witness: string | undefined

  constructor(db: Database, files: StoreFiles, witness: string | undefined) {
    this.#db = db
    this.#files = files
    this.#witness = witness
  }

  /** At start, before anything else is written. A store that is found elsewhere is held from here on, whatever becomes of this run; and it is another node: what it
   *  writes into its trail can never pass for what the other store wrote under the same numbers. */
  settle(now: number): void {
    const row = this.#row()
    if (!row || !this.#initialised()) return this.#begin()
    this.#placeNext(row)
    const moved = this.#moved(row)
    // One that is held already keeps its cause: a restored backup says from when it is.
    if (moved !== undefined) this.#hold(row.held_cause ?? moved, now)
  }

  /** Tells why it is not where it was. */
  #moved(row: WhereaboutsRow): string | undefined {
    if (!sameFile(row.database_file, fileIdentity(this.#files.database)))
      return 'its database is not the file that it was: the folder was copied or restored'
    const heartbeat = this.#file(heartbeatName)
    const found = fileIdentity(heartbeat)
    // It has never beaten: its disk was full from the first start on.
    if (row.heartbeat_file === '') return undefined
    if (found === '') return 'the heartbeat beside its database is missing: the database was restored alone'
    const seen = toldIn(heartbeat)?.beat
    if (!sameFile(row.heartbeat_file, found) || seen !== row.beat)
      return `its database is at beat ${row.beat} and the heartbeat beside it at ${seen ?? 'none'}: older files were put back`
    const witnessed = this.#witnessed()
    if (witnessed !== undefined && witnessed > row.beat)
      return `its database is at beat ${row.beat} and its witness has seen ${witnessed}: an older state was put back`
    return undefined
  }

  /** Step 3 of a beat that a crash has cut off. */
  #placeNext(row: WhereaboutsRow): void {
    const next = this.#file(nextName)
    if (sameFile(row.heartbeat_file, fileIdentity(next))) renameSync(next, this.#file(heartbeatName))
    else rmSync(next, { force: true })
  }

  #begin(): void {
    this.#db.run(
      `insert into whereabouts (one, beat, database_file, heartbeat_file) values (1, 0, :file, '')
        on conflict do update set database_file = :file`,
      { file: fileIdentity(this.#files.database) }
    )
  }

  /** What was decided of another place is decided anew, unless leases have been set aside. */
  #hold(cause: string, now: number): void {
    this.#db.run('begin immediate')
    this.#db.run(
      `update whereabouts set held_cause = :cause, held_at = coalesce(held_at, :now), database_file = :file, beat = max(beat, :beat),
        resuming = nullif(resuming, 'restored')`,
      { cause, now, beat: this.#witnessed() ?? 0, file: fileIdentity(this.#files.database) }
    )
    this.#db.run('update node set id = :id', { id: randomBytes(8).toString('hex') })
    this.#db.run('commit')
  }

  /** One beat of this run. False when a newer run has taken over, which beats now. */
  beat(run: { readonly node: string; readonly epoch: number }, after: (step: BeatStep) => void = () => undefined): boolean {
    const row = this.#row()!
    const { beat } = row
    // Named, and could not be renamed: nothing may take its place before.
    this.#placeNext(row)
    const next = this.#file(nextName)
    writeSynced(next, String(beat + 1))
    after('written')
    if (!this.#name(run, fileIdentity(next))) {
      rmSync(next, { force: true })
      return false
    }
    after('named')
    renameSync(next, this.#file(heartbeatName))
    syncFolder(this.#files.folder)
    after('placed')
    if (this.#witness !== undefined && row.held_cause === null) {
      this.#refuseSecond(beat + 1)
      this.#tellWitness(this.#witness, beat + 1)
    }
    return true
  }

  #name(run: { readonly node: string; readonly epoch: number }, identity: string): boolean {
    const sql = `update whereabouts set beat = beat + 1, heartbeat_file = :identity
      where exists (select 1 from node where id = :node and epoch = :epoch)`
    return this.#db.run(sql, { identity, ...run }) === 1
  }

  /** The witness never knows a beat before it is told. A running machine that was set back, or cloned, finds here that it is not the only one: it holds its store and ends. */
  #refuseSecond(beat: number): void {
    const witnessed = this.#witnessed()
    if (witnessed === undefined || witnessed < beat) return
    const cause = `its witness was told of beat ${witnessed} by another: this machine was set back or cloned while it ran`
    this.#hold(cause, Date.now())
    throw new BrokerError('held', heldSentence(cause))
  }

  /** By a new file and a rename: half a number would be another number. */
  #tellWitness(witness: string, beat: number): void {
    try {
      writeSynced(`${witness}.next`, `${beat} ${this.#instance()}`.trimEnd())
      renameSync(`${witness}.next`, witness)
      syncFolder(dirname(witness))
    } catch (cause) {
      const { code = 'unwritable' } = cause as NodeJS.ErrnoException
      throw new BrokerError('store_unreachable', `cannot write the witness ${witness}: ${code}`, { cause })
    }
  }

  /** Of this store: one that two stores share, or that was there before this one was initialised, says nothing. */
  #witnessed(): number | undefined {
    const told = this.#witness === undefined ? undefined : toldIn(this.#witness)
    return told && told.whose !== '' && told.whose === this.#instance() ? told.beat : undefined
  }

  #instance(): string {
    const sql = 'select coalesce((select instance from whereabouts), (select instance from seal)) as instance'
    return this.#db.get<{ instance: string | null }>(sql)?.instance ?? ''
  }

  #row(): WhereaboutsRow | undefined {
    return this.#db.get<WhereaboutsRow>('select * from whereabouts')
  }

  /** Before that there is nothing to hold. */
  #initialised(): boolean {
    return this.#db.holds('exists (select 1 from seal)')
  }

  #file(name: string): string {
    return join(this.#files.folder, name)
  }
}

/** `undefined`: no such file, or nothing in it that a beat wrote. */
function toldIn(file: string): Told | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new BrokerError('store_unreachable', `cannot read ${file}: ${code ?? 'unreadable'}`, { cause: error })
  }
  const [, beat, whose = ''] = /^(\d{1,15})(?: (\S{1,64}))?$/.exec(text) ?? []
  return beat === undefined ? undefined : { beat: Number(beat), whose }
}

function writeSynced(file: string, text: string): void {
  rmSync(file, { force: true })
  const fd = openSync(file, 'wx', 0o600)
  try {
    writeFileSync(fd, text)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  syncFolder(dirname(file))
}

/** A new name is durable only when its folder is. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

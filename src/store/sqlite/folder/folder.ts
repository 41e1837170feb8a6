import { chmodSync, closeSync, existsSync, lstatSync, mkdirSync, openSync, readdirSync, statfsSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { BrokerError } from '../../../contracts/index.ts'

export interface StoreFiles {
  readonly folder: string
  readonly database: string
  readonly lock: string
}

// POSIX locks and the shared memory of the log are not dependable on those of a network.
const unfitFileSystems: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x517b, 'SMB'],
  [0x01021997, '9p'],
  [0x65735546, 'FUSE'],
  // Their inodes are other ones after each mount, by which a store would believe that it was copied; and they know no owners.
  [0x4d44, 'FAT'],
  [0x2011bab0, 'exFAT']
])

/** Makes the data folder when it is not there, and refuses one that others can read, write or swap. Database and lock are made here with their mode, because SQLite
 *  would make them readable for all; never opened here once they are there: closing such a descriptor cancels SQLite's locks in this process. */
export function prepareFolder(path: string): StoreFiles {
  const folder = resolve(path)
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 })
  checkFolder(folder)
  checkFileSystem(folder)
  const files = { folder, database: join(folder, 'mayfly.db'), lock: lockFileOf(folder) }
  refuseLostDatabase(files)
  refuseHalfRestored(files)
  for (const file of [files.database, files.lock]) makeFile(file)
  for (const name of ['mayfly.db', 'mayfly.db-wal', 'mayfly.db-shm', 'lock.db', 'reserve']) checkFile(join(folder, name))
  return files
}

/** What the owner of a data folder holds. */
export const lockFileOf = (folder: string): string => join(folder, 'lock.db')

/** For a store that is restored: an empty folder, but for what an earlier try left. */
export function prepareEmptyFolder(path: string, draftName: string): string {
  const folder = resolve(path)
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 })
  checkFolder(folder)
  checkFileSystem(folder)
  const there = readdirSync(folder).filter(name => name !== 'lost+found' && !name.startsWith(draftName))
  if (there.length > 0)
    throw refused(`${folder} is not empty: it has ${there.slice(0, 3).join(', ')}; a backup is restored into an empty folder`)
  return folder
}

function checkFolder(folder: string): void {
  const stats = lstatSync(folder)
  if (stats.isSymbolicLink()) throw refused(`${folder} is a symbolic link`)
  if (!stats.isDirectory()) throw refused(`${folder} is no folder`)
  checkOwner(folder, stats)
  if ((stats.mode & 0o077) !== 0) throw refused(`${folder} is open to other users; its mode must be 0700`)
  for (let parent = dirname(folder); ; parent = dirname(parent)) {
    const { mode } = lstatSync(parent)
    // Whoever can write there can put another folder in this place; the sticky bit forbids it.
    if ((mode & 0o002) !== 0 && (mode & 0o1000) === 0) throw refused(`everybody can write to ${parent}, which holds the store`)
    if (parent === dirname(parent)) return
  }
}

function checkFileSystem(folder: string): void {
  const name = unfitFileSystems.get(statfsSync(folder).type)
  if (name !== undefined) throw refused(`${folder} is on ${name}, which cannot hold a store`)
}

/** A log without its database: somebody moved or deleted it. Making a new one would throw away what the log still has. */
function refuseLostDatabase({ database }: StoreFiles): void {
  if (!existsSync(database) && existsSync(`${database}-wal`)) throw refused(`${database} is missing beside its log`)
}

/** Nothing but the next try belongs there: a new store in its place would hide that the old one was never restored. */
function refuseHalfRestored({ folder, database }: StoreFiles): void {
  if (existsSync(join(folder, 'restoring.tmp')) && !existsSync(database))
    throw refused(`a restore into ${folder} was cut off: run "mayfly operator restore" again`)
}

function makeFile(file: string): void {
  if (existsSync(file)) return
  closeSync(openSync(file, 'wx', 0o600))
  chmodSync(file, 0o600)
}

function checkFile(file: string): void {
  const stats = lstatSync(file, { throwIfNoEntry: false })
  if (!stats) return
  if (!stats.isFile()) throw refused(`${file} is no plain file`)
  checkOwner(file, stats)
  if ((stats.mode & 0o077) !== 0) throw refused(`${file} is open to other users; its mode must be 0600`)
}

function checkOwner(path: string, stats: Stats): void {
  if (process.getuid && stats.uid !== process.getuid()) throw refused(`${path} belongs to another user`)
}

function refused(message: string): BrokerError {
  return new BrokerError('store_unreachable', message)
}

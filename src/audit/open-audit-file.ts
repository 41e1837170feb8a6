/** Opens an audit file so that nobody else decides where the trail goes or who reads it. */
import { constants } from 'node:fs'
import type { Stats } from 'node:fs'
import { mkdir, open, realpath, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, resolve, sep } from 'node:path'
import { BrokerError } from '../contracts/errors.ts'

export interface AuditFilePlace {
  /** Absolute. */
  readonly path: string
  /** The folder that it must not leave, by links either. */
  readonly below?: string | undefined
  /** 0600 when absent. Never executable, never writable for others. */
  readonly mode?: number | undefined
}

export interface OpenedFile {
  readonly handle: FileHandle
  readonly stats: Stats
}

const writableByOthers = 0o022
const executable = 0o111
const readableByWorld = 0o004

// Without O_NONBLOCK a FIFO that nobody reads holds a thread of the pool for ever; with it, it is an error (ENXIO).
const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK

export async function openAuditFile(place: AuditFilePlace): Promise<OpenedFile> {
  await checkFolder(place)
  const handle = await open(place.path, flags, modeFor(place)).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ELOOP' ? refusal(place, 'is a symbolic link', error) : error
  })
  try {
    const stats = await handle.stat()
    check(place, stats)
    if (stats.isFile()) await tighten(place, handle, stats)
    return { handle, stats }
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function checkFolder({ path, below }: AuditFilePlace): Promise<void> {
  const folder = dirname(path)
  if (below !== undefined && !isBelow(resolve(path), resolve(below))) throw refusal({ path }, 'is outside the audit folder')
  // Only the last folder, and for the owner alone: `audit/` of a fresh data folder. What went wrong, `stat` tells.
  await mkdir(folder, { mode: 0o700 }).catch(() => undefined)
  const { mode } = await stat(folder)
  // In such a folder anyone can put another file in the place of ours; with the sticky bit (`/tmp`) only its owner can.
  if ((mode & 0o002) !== 0 && (mode & 0o1000) === 0) throw refusal({ path }, 'is in a folder that everybody may write')
  if (below !== undefined && !isBelow(`${await realpath(folder)}${sep}file`, await realpath(below)))
    throw refusal({ path }, 'is outside the audit folder')
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`)
}

function check(place: AuditFilePlace, stats: Stats): void {
  if (!stats.isFile() && !stats.isFIFO() && !stats.isCharacterDevice()) throw refusal(place, 'is no file')
  const mine = process.geteuid?.()
  // Its owner could write the trail anew, and read what comes.
  if (mine !== undefined && stats.uid !== mine && stats.uid !== 0) throw refusal(place, 'belongs to another user')
}

function modeFor({ mode }: AuditFilePlace): number {
  return (mode ?? 0o600) & 0o777 & ~(executable | writableByOthers)
}

/** A group that may read (a log shipper's) stays, as logrotate set it. */
async function tighten(place: AuditFilePlace, handle: FileHandle, { mode }: Stats): Promise<void> {
  const allowed = 0o640 | (modeFor(place) & readableByWorld)
  if ((mode & 0o777 & ~allowed) !== 0) await handle.chmod(mode & allowed)
}

function refusal({ path }: AuditFilePlace, why: string, cause?: unknown): BrokerError {
  return new BrokerError('invalid_request', `audit file ${path} ${why}`, cause === undefined ? {} : { cause })
}

